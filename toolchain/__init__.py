"""The Pulumi engine and plugins for machines that reach only package registries."""
