"""The operating system of a machine."""
