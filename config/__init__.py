"""The configuration of a stack as a typed, frozen rack; pure, and without Pulumi."""

from __future__ import annotations

from config.loading import KEYS, load, load_file
from config.problems import ConfigurationError, Problem
from config.rack import EtcdMember, LoadBalancer, Machine, Node, Rack

__all__ = [
    "KEYS",
    "ConfigurationError",
    "EtcdMember",
    "LoadBalancer",
    "Machine",
    "Node",
    "Problem",
    "Rack",
    "load",
    "load_file",
]
