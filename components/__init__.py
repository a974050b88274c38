"""The rack as Pulumi components."""
