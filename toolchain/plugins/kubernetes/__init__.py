"""A stand-in for the official Pulumi `kubernetes` plugin: same tokens, same properties, same state."""
