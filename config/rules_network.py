"""Rules about addresses: inside their subnet, used once, networks apart and large enough, endpoint served."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from config.cluster import Cluster
from config.draft import STAND_INS, Draft
from config.machines import MachineSettings
from config.problems import Path, render, show
from config.scalars import is_address
from config.vip import virtual

_FREE = ("10.244.0.0/16", "10.96.0.0/12", "172.30.0.0/16", "172.24.0.0/14", "192.168.128.0/17")
"""Private networks to suggest: kubeadm's and flannel's customary ones first."""
MOST_SUBNETS_BITS = 16
"""PodSubnetNodeMaskMaxDiff in kubeadm's constants.go: pod prefix and node mask differ by at most so much."""
FEWEST_SERVICES, MOST_SERVICE_BITS = 10, 20
"""MinimumAddressesInServiceSubnet and MaximumBitsForServiceSubnet in kubeadm's constants.go."""


def _subnets(draft: Draft) -> None:
    """A machine's address lies in its subnet."""
    for path, machine in draft.machines():
        where = draft.origin(path, "address")
        if machine.subnet is None or draft.amiss(*where) or draft.amiss(*draft.origin(path, "subnet")):
            continue
        subnet, address = IPv4Network(machine.subnet), IPv4Address(machine.address)
        if address not in subnet or (subnet.prefixlen < 31 and address in (subnet[0], subnet[-1])):
            expected = f"a machine's address inside {subnet}"
            draft.report(
                where, expected=expected, found=show(machine.address), suggestion=_moved(address, subnet)
            )


def _static(draft: Draft) -> None:
    """A static network has a prefix, a gateway that it reaches, and name servers where it is to write them."""
    for path, machine in draft.machines():
        one = machine.network
        if one is None or draft.amiss(*path, "network") or draft.amiss("defaults", "network"):
            continue
        if machine.subnet is None and not draft.amiss(*draft.origin(path, "subnet")):
            suggestion = "Write for example subnet: 10.42.253.0/24: its prefix length becomes the address's."
            expected = "a subnet beside a static network"
            draft.report((*path, "subnet"), expected=expected, found="none", suggestion=suggestion)
        _gateway(draft, path, machine)
        if one.resolv_conf == "static" and not one.dns:
            suggestion = "List the name servers, or leave resolv_conf out."
            where = draft.origin(path, "network", "resolv_conf")
            draft.report(where, expected="dns beside it", found="no name server", suggestion=suggestion)
        if one.resolv_conf == "none" and (one.dns or one.search):
            suggestion = "Leave dns and search out, or choose keep or static."
            where = draft.origin(path, "network", "resolv_conf")
            draft.report(where, expected="keep or static beside dns", found='"none"', suggestion=suggestion)


def _gateway(draft: Draft, path: Path, machine: MachineSettings) -> None:
    gateway = machine.network.gateway if machine.network else None
    if gateway is None or machine.subnet is None or draft.amiss(*draft.origin(path, "subnet")):
        return
    subnet, where = IPv4Network(machine.subnet), draft.origin(path, "network", "gateway")
    if gateway == machine.address:
        suggestion = "Write the router's address, or leave gateway out on the router itself."
        draft.report(where, expected="another machine's address", found=show(gateway), suggestion=suggestion)
    elif IPv4Address(gateway) not in subnet:
        suggestion = f'For example "{subnet[1]}"; a machine elsewhere has a network.gateway of its own.'
        draft.report(where, expected=f"a gateway inside {subnet}", found=show(gateway), suggestion=suggestion)


def _moved(address: IPv4Address, subnet: IPv4Network) -> str:
    """The same host part inside the subnet, which is what a slip of the keyboard meant."""
    moved = IPv4Address(int(subnet.network_address) | int(address) & int(subnet.hostmask))
    if moved != address and moved not in (subnet[0], subnet[-1]):
        return f'Did you mean "{moved}"? A machine elsewhere has a subnet of its own: subnet.'
    return "Choose another one, or give the machine a subnet of its own: subnet."


def _addresses(draft: Draft) -> None:
    """No two machines have one address."""
    seen: dict[str, Path] = {}
    for path, machine in draft.machines():
        where = draft.origin(path, "address")
        if draft.amiss(*path, "address") and machine.address == STAND_INS["address"]:
            continue
        if (other := seen.get(machine.address)) is not None:
            suggestion = f"{render(other)} has it already."
            found = show(machine.address)
            draft.report(where, expected="an address of its own", found=found, suggestion=suggestion)
        seen.setdefault(machine.address, where)


def _networks(draft: Draft) -> Iterator[tuple[Path, str]]:
    """All networks of the stack with their paths, each once; those that are amiss are left out."""
    cluster = draft.cluster
    if cluster:
        named = {"pod_cidr": cluster.pod_cidr, "service_cidr": cluster.service_cidr}
        yield from ((("cluster", key), one) for key, one in named.items() if not draft.amiss("cluster", key))
    seen: set[Path] = set()
    for path, machine in draft.machines():
        where = draft.origin(path, "subnet")
        if machine.subnet and where not in seen:
            seen.add(where)
            yield where, machine.subnet


def _overlaps(draft: Draft) -> None:
    """Pods, services and machines have networks of their own."""
    networks = list(_networks(draft))
    taken = [network for _, network in networks]
    for one, other in combinations(networks, 2):
        if "cluster" not in (one[0][0], other[0][0]) or not _overlap(one[1], other[1]):
            continue
        path, network = _to_change(draft, one, other)
        beside, there = other if path == one[0] else one
        expected = f"a network apart from {render(beside)} ({there})"
        draft.report(path, expected=expected, found=show(network), suggestion=_free(taken))


def _overlap(one: str, other: str) -> bool:
    return IPv4Network(one).overlaps(IPv4Network(other))


def _to_change(draft: Draft, one: tuple[Path, str], other: tuple[Path, str]) -> tuple[Path, str]:
    """Of two networks the cluster's, and of the cluster's two the later one that was written."""
    if other[0][0] != "cluster":
        return one
    return other if draft.written(other[0][:1], *other[0][1:]) else one


def _free(taken: list[str]) -> str:
    free = next((network for network in _FREE if not any(_overlap(network, one) for one in taken)), None)
    return f'For example "{free}" is free.' if free else "Choose a private network that nothing else uses."


def _inside(draft: Draft) -> None:
    """No machine lives in the pods' or the services' network."""
    cluster = draft.cluster
    for path, machine in draft.machines():
        if not cluster or machine.subnet or draft.amiss(*path, "address"):
            continue
        for key, network in (("pod_cidr", cluster.pod_cidr), ("service_cidr", cluster.service_cidr)):
            if IPv4Address(machine.address) in IPv4Network(network) and not draft.amiss("cluster", key):
                expected = f"an address outside cluster.{key} ({network})"
                suggestion = f"Choose another address, or another cluster.{key}."
                where = draft.origin(path, "address")
                draft.report(where, expected=expected, found=show(machine.address), suggestion=suggestion)


def _room(draft: Draft) -> None:
    """The pod network has room for all nodes, and the service network is of a size that kubeadm takes."""
    cluster = draft.cluster
    if cluster and not draft.amiss("cluster", "pod_cidr") and not draft.amiss("cluster", "node_cidr_mask"):
        _pod_room(draft, cluster)
    if cluster and not draft.amiss("cluster", "service_cidr"):
        bits = 32 - IPv4Network(cluster.service_cidr).prefixlen
        if bits > MOST_SERVICE_BITS or 2**bits < FEWEST_SERVICES:
            draft.report(
                ("cluster", "service_cidr"),
                expected=f"a network from /{32 - MOST_SERVICE_BITS} to /28",
                found=show(cluster.service_cidr),
                suggestion="kubeadm refuses others; /18 is plenty.",
            )


def _pod_room(draft: Draft, cluster: Cluster) -> None:
    prefix, mask = IPv4Network(cluster.pod_cidr).prefixlen, cluster.node_cidr_mask
    listed = draft.raw.get("nodes")
    nodes = max(len(listed) if isinstance(listed, dict) else 0, 1)
    if not 0 <= mask - prefix <= MOST_SUBNETS_BITS:
        expected = f"from {prefix} to {prefix + MOST_SUBNETS_BITS} with a pod network of /{prefix}"
        suggestion = "It is the part of the pod network that one node gets; 24 suits most racks."
        path: Path = ("cluster", "node_cidr_mask")
        draft.report(path, expected=expected, found=show(mask), suggestion=suggestion)
    elif 2 ** (mask - prefix) < nodes:
        needed = mask - (nodes - 1).bit_length()
        expected = f"room for {nodes} nodes with a /{mask} each"
        suggestion = f"Take a /{max(needed, 1)} or larger, or a larger node_cidr_mask."
        draft.report(
            ("cluster", "pod_cidr"), expected=expected, found=show(cluster.pod_cidr), suggestion=suggestion
        )


def _endpoint(draft: Draft) -> None:
    """An endpoint that is an address belongs to a load balancer or a control plane."""
    cluster = draft.cluster
    balancers = [one.address for one in draft.load_balancers.values() if not one.zone]
    serving = balancers + [one.address for one in draft.nodes.values() if "control-plane" in one.roles]
    serving = virtual(cluster.vip if cluster else None) + serving
    if not cluster or draft.amiss("cluster", "endpoint") or STAND_INS["address"] in serving:
        return
    by_address = is_address(cluster.endpoint)
    if by_address and cluster.endpoint not in serving:
        _report_endpoint(draft, "endpoint", cluster.endpoint, serving)
    given = cluster.endpoint_address
    if given is not None and (by_address or (balancers and given not in serving)):
        _report_endpoint(draft, "endpoint_address", given, serving)


def _report_endpoint(draft: Draft, key: str, found: str, serving: list[str]) -> None:
    if key == "endpoint_address" and draft.cluster and is_address(draft.cluster.endpoint):
        expected, suggestion = (
            "no address beside an endpoint that is one",
            "Remove it, or make endpoint a name.",
        )
    else:
        expected = "the address of a load balancer or of a control plane" + (
            ", or a name" if key == "endpoint" else ""
        )
        suggestion = f'Did you mean "{serving[0]}"?' if serving else "List a load balancer."
        if key == "endpoint" and not draft.load_balancers:
            suggestion += f" One that you run yourself gets a name, and endpoint_address: {found}."
    draft.report(("cluster", key), expected=expected, found=show(found), suggestion=suggestion)


NETWORK_RULES = (_subnets, _static, _addresses, _overlaps, _inside, _room, _endpoint)
"""All rules about addresses."""
