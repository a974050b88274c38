"""Managed things without Pulumi: what a thing and a machine are, the journal, the life of a resource."""
