"""Backups of etcd, on a timer and on demand, and the way back from one."""
