"""Certificates and keys on the machines: placed, observed, renewed, and trusted."""
