"""Disks of a machine: what is mounted where, and what is moved off the SD card."""
