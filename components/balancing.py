"""What the configuration says of HAProxy, on a load balancer or beside an API server; pure."""

from __future__ import annotations

from components.properties import Properties, extra_packages, upgrade
from config import LoadBalancer, Node, Rack
from config.balancing import Forward

API_PORT = 6443
"""Where API servers listen, whatever the port of the endpoint (kubeadm's default bindPort)."""


def balancer(rack: Rack, machine: LoadBalancer) -> Properties:
    """HAProxy in front of all control planes, with its packages."""
    return {
        **upgrade(machine),
        "packages": {"haproxy": {"version": "", "hold": False}, **extra_packages(machine)},
        "haproxy": haproxy(rack, machine),
    }


def haproxy(rack: Rack, machine: LoadBalancer | Node) -> Properties:
    """HAProxy's options on a machine that stands for its zone's endpoint."""
    zone = rack.zone(machine.zone)
    forwards = {name: forward(rack, machine.zone, one) for name, one in zone.forward.items()}
    further = [rack.cluster.endpoint_port] if rack.cluster.endpoint_port != zone.endpoint_port else []
    return {
        "bind": zone.endpoint_port,
        # by this port the zone's machines reach the cluster's own name (see properties.hosts)
        **({"further_binds": further} if further else {}),
        "backends": {one.hostname: f"{one.address}:{API_PORT}" for one in rack.control_planes()},
        **({"forwards": forwards} if forwards else {}),
        **machine.haproxy.model_dump(mode="json"),
    }


def forward(rack: Rack, zone: str, wanted: Forward) -> Properties:
    """One port that leads to the zone's nodes of the wanted roles."""
    nodes = rack.nodes_of(zone, wanted.to_roles)
    return {
        "port": wanted.port,
        "servers": {one.hostname: f"{one.address}:{wanted.node_port}" for one in nodes},
        "proxy_protocol": wanted.proxy_protocol,
        "timeout": wanted.timeout,
    }
