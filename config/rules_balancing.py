"""Rules about zones and load balancers: zones that exist and are served, endpoints and ports used once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from config.balancing import Forward, Zone
from config.cluster import Cluster
from config.draft import STAND_INS, Draft
from config.machines import LoadBalancerSettings, NodeSettings
from config.problems import Path, did_you_mean, render, show
from config.scalars import LABEL, is_address
from config.vip import virtual


def check_zone_name(draft: Draft, path: Path) -> None:
    """A zone's name is a DNS label, as names of machines are."""
    if not re.fullmatch(LABEL, str(path[-1])):
        expected = "a zone's name (lower-case letters, digits, hyphens)"
        draft.report(path, expected=expected, found=show(path[-1]), suggestion="Write for example dmz.")


def _known(draft: Draft) -> None:
    """Load balancers and nodes belong to zones that exist."""
    listed = draft.raw.get("zones")
    names = list(listed) if isinstance(listed, dict) else []
    for path, machine in draft.machines():
        zone = getattr(machine, "zone", "")
        if zone and zone not in names:
            meant = did_you_mean(zone, names) if names else f"Add zones: {{{zone}: {{endpoint: NAME}}}}."
            where = (*path, "zone")
            draft.report(where, expected="a zone listed under zones", found=show(zone), suggestion=meant)


def _served(draft: Draft) -> None:
    """A zone has a load balancer, or says where its endpoint is; an address that it names is served there."""
    for name, zone in draft.zones.items():
        serving = virtual(zone.vip)
        serving += [one.address for one in draft.load_balancers.values() if one.zone == name]
        path: Path = ("zones", name)
        if draft.amiss(*path) or STAND_INS["address"] in serving:
            continue
        external = zone.endpoint_address is not None or is_address(zone.endpoint)
        if not serving and not external:
            suggestion = f"Give a load balancer zone: {name}, or the zone an endpoint_address."
            expected = "a load balancer in the zone, or an endpoint_address"
            draft.report(path, expected=expected, found="neither", suggestion=suggestion)
        elif serving:
            _addresses(draft, path, zone, serving)


def _addresses(draft: Draft, path: Path, zone: Zone, serving: list[str]) -> None:
    named = {"endpoint": zone.endpoint if is_address(zone.endpoint) else None}
    named["endpoint_address"] = zone.endpoint_address
    for key, address in named.items():
        if address is not None and address not in serving:
            expected, suggestion = "the address of the zone's load balancer", f'Did you mean "{serving[0]}"?'
            draft.report((*path, key), expected=expected, found=show(address), suggestion=suggestion)


def _apart(draft: Draft) -> None:
    """No two zones have one endpoint."""
    seen: dict[str, Path] = {}
    cluster = draft.cluster
    listed: list[tuple[Path, str]] = [(("cluster", "endpoint"), cluster.endpoint)] if cluster else []
    listed += [(("zones", name, "endpoint"), zone.endpoint) for name, zone in draft.zones.items()]
    for path, endpoint in listed:
        if draft.amiss(*path):
            continue
        if endpoint in seen:
            suggestion = f"{render(seen[endpoint])} is the same; a zone without its own needs no zone."
            expected = "an endpoint of the zone's own"
            draft.report(path, expected=expected, found=show(endpoint), suggestion=suggestion)
        seen.setdefault(endpoint, path)


def _ports(draft: Draft) -> None:
    """On one load balancer each port serves one purpose."""
    for name, machine in draft.load_balancers.items():
        seen: dict[int, str] = {}
        for port, path, purpose in _uses(draft, name, machine):
            if port in seen and not draft.amiss(*path):
                expected, found = f"a port that is free on {name}", f"{port} ({seen[port]})"
                suggestion = "Choose another port here or there."
                draft.report(path, expected=expected, found=found, suggestion=suggestion)
            seen.setdefault(port, purpose)


def _uses(draft: Draft, name: str, machine: LoadBalancerSettings) -> Iterator[tuple[int, Path, str]]:
    """Ports of a load balancer, where each is written, and what it is for."""
    here: Path = ("load_balancers", name)
    if not machine.connection.address:  # else the port is that of a forwarding somewhere else
        yield machine.connection.port, (*here, "connection", "port"), "SSH"
    top: Path = ("zones", machine.zone) if machine.zone else ("cluster",)
    zone = draft.zones.get(machine.zone) if machine.zone else draft.cluster
    if zone is None:
        return
    yield zone.endpoint_port, (*top, "endpoint_port"), "the API"
    if draft.cluster and draft.cluster.endpoint_port != zone.endpoint_port:
        yield draft.cluster.endpoint_port, ("cluster", "endpoint_port"), "the API by the cluster's own name"
    stats = machine.haproxy.stats
    if stats.enabled:
        yield stats.port, draft.origin(here, "haproxy", "stats", "port"), "the page of statistics"
    for key, one in zone.forward.items():
        yield one.port, (*top, "forward", key, "port"), f"forward {key}"


def _reached(draft: Draft) -> None:
    """What is forwarded has a load balancer that does it, and nodes to go to."""
    zones: dict[Path, tuple[str, Zone | Cluster]] = {
        ("zones", name): (name, zone) for name, zone in draft.zones.items()
    }
    if draft.cluster:
        zones["cluster",] = ("", draft.cluster)
    for top, (name, zone) in zones.items():
        balancers = [one for one in draft.load_balancers.values() if one.zone == name]
        path = (*top, "forward")
        if zone.forward and not balancers and not zone.vip and not draft.amiss("load_balancers"):
            suggestion = "List a load balancer, or leave forward out."
            draft.report(path, expected="a load balancer that forwards", found="none", suggestion=suggestion)
        nodes = [node for node in draft.nodes.values() if node.zone == name]
        for key, one in zone.forward.items():
            _report_unreached(draft, (*path, key, "to_roles"), one, nodes)


def _report_unreached(draft: Draft, path: Path, one: Forward, nodes: list[NodeSettings]) -> None:
    there = sorted({role for node in nodes for role in node.roles})
    if not set(there) & set(one.to_roles) and not draft.amiss("nodes"):
        suggestion = f"Write one of: {', '.join(there)}." if there else "Give nodes this zone."
        expected = "roles that nodes of the zone have"
        draft.report(path, expected=expected, found=show(list(one.to_roles)), suggestion=suggestion)


BALANCING_RULES = (_known, _served, _apart, _ports, _reached)
"""All rules about zones and load balancers."""
