"""The failover check of a living rack: what stops in turn, and what clients see of it."""
