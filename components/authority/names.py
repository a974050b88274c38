"""The names that the API server's certificate answers to; pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from config import Rack


def subject_alternative_names(rack: Rack) -> tuple[list[str], list[str]]:
    """The DNS names and the IP addresses that the API server answers to, each sorted."""
    cluster = rack.cluster
    service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster"]
    service.append(f"kubernetes.default.svc.{cluster.dns_domain}")
    machines = [*rack.control_planes(), *rack.load_balancers.values()]
    own = [str(machine.address) for machine in machines] + [machine.hostname for machine in machines]
    extra = [str(name) for name in rack.authority.extra_sans]
    loopback = ("localhost", "127.0.0.1", "::1")
    every = {*loopback, cluster.service_address, *_endpoints(rack), *service, *own, *extra}
    addresses = {name for name in every if _is_address(name)}
    return sorted(every - addresses), sorted(addresses)


def _endpoints(rack: Rack) -> Iterator[str]:
    """Of every zone: its endpoint, what that means, and its virtual address."""
    for zone in rack.endpoints().values():
        yield str(zone.endpoint)
        if zone.endpoint_address:
            yield str(zone.endpoint_address)
        if zone.vip:
            yield str(zone.vip.address)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
