"""What the configuration says of a virtual address, on each machine that shares it; pure."""

from __future__ import annotations

from collections.abc import Sequence

from components.balancing import haproxy
from components.properties import Properties
from config import LoadBalancer, Machine, Node, Rack
from config.vip import HIGHEST_PRIORITY, Vip

PACKAGES = ("keepalived", "curl")
"""keepalived, and what its check of health calls."""


def sharing(rack: Rack, zone: str = "") -> Sequence[Machine]:
    """The machines that share a zone's virtual address, in the order of the file; none without one."""
    vip = rack.zone(zone).vip
    if vip is None:
        return ()
    return rack.control_planes() if vip.on == "control-planes" else rack.balancers_of(zone)


def on_load_balancer(rack: Rack, machine: LoadBalancer, balancer: Properties) -> Properties:
    """A load balancer's properties with its part of the virtual address, where there is one."""
    vip = rack.zone(machine.zone).vip
    if vip is None or vip.on != "load-balancers":
        return balancer
    packages = {**_packages(PACKAGES), **balancer["packages"]}
    return {**balancer, "packages": packages, "keepalived": keepalived(rack, vip, machine, machine.zone)}


def beside_api_server(rack: Rack, node: Node) -> Properties:
    """HAProxy and keepalived on a node that shares the cluster's virtual address; nothing on others.

    Where packages come from is settled already, by the node's system.
    """
    vip = rack.cluster.vip
    if vip is None or vip.on != "control-planes" or not node.is_control_plane:
        return {}
    names = [one for one in ("haproxy", *PACKAGES) if one not in node.package_versions]
    own = {"haproxy": haproxy(rack, node), "keepalived": keepalived(rack, vip, node)}
    return {"packages": _packages(names), **own}


def keepalived(rack: Rack, vip: Vip, machine: Machine, zone: str = "") -> Properties:
    """keepalived's options on one of the machines that share an address."""
    others = [one.address for one in sharing(rack, zone) if one.name != machine.name]
    return {
        "address": vip.address,
        "source": machine.address,
        "interface": vip.interface,
        "router_id": vip.group,
        "priority": _priority(rack, vip, machine, zone),
        "advert_ms": vip.advert_ms,
        "peers": others if vip.unicast else [],
        "check": {"port": rack.zone(zone).endpoint_port, **vip.check.model_dump(mode="json")},
    }


def _priority(rack: Rack, vip: Vip, machine: Machine, zone: str) -> int:
    """Machines of one priority leave the address where it is; only a failed check makes them differ."""
    if not vip.preempt:
        return HIGHEST_PRIORITY
    place = [one.name for one in sharing(rack, zone)].index(machine.name)
    return vip.priorities.get(machine.name, HIGHEST_PRIORITY - place)


def _packages(names: Sequence[str]) -> Properties:
    return {name: {"version": "", "hold": False} for name in names}
