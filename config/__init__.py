"""The configuration of a stack as a typed, frozen rack; pure, and without Pulumi."""

from __future__ import annotations

from config.loading import KEYS, load, load_file
from config.problems import ConfigurationError, Problem
from config.rack import LoadBalancer, Machine, Node, Rack

__all__ = [
    "KEYS",
    "ConfigurationError",
    "LoadBalancer",
    "Machine",
    "Node",
    "Problem",
    "Rack",
    "load",
    "load_file",
]
