"""Simulated boards: privileged systemd containers in a namespace of their own, reached over SSH."""
