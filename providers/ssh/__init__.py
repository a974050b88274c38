"""Machines over SSH: one pooled connection for each, its credentials, host keys and failures."""
