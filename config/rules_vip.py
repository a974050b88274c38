"""Rules about virtual addresses: where they may lie, who shares them, and what must not contradict them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from config.balancing import Zone
from config.cluster import Cluster
from config.draft import STAND_INS, Draft
from config.machines import MachineSettings
from config.problems import Path, did_you_mean, render, show
from config.scalars import is_address
from config.vip import Vip

_BESIDE = {
    2379: "etcd",
    2380: "etcd",
    2381: "etcd's metrics",
    6443: "the API server",
    10249: "kube-proxy's metrics",
    10250: "the kubelet",
    10256: "kube-proxy",
    10257: "the controller manager",
    10259: "the scheduler",
}
"""Ports that are taken on a control plane, and by what (kubernetes.io, "Ports and Protocols")."""


@dataclass(frozen=True, kw_only=True)
class _Group:
    """A virtual address, where it is written, and the machines that share it."""

    top: Path
    zone: Cluster | Zone
    vip: Vip
    members: Mapping[Path, MachineSettings]

    @property
    def path(self) -> Path:
        return (*self.top, "vip")


def _groups(draft: Draft) -> Iterator[_Group]:
    zones: dict[Path, tuple[str, Cluster | Zone]] = {
        ("zones", name): (name, zone) for name, zone in draft.zones.items()
    }
    if draft.cluster:
        zones = {("cluster",): ("", draft.cluster), **zones}
    for top, (name, zone) in zones.items():
        if zone.vip and not draft.amiss(*top, "vip", "address") and not draft.amiss(*top, "vip", "on"):
            yield _Group(top=top, zone=zone, vip=zone.vip, members=_members(draft, name, zone.vip))


def _members(draft: Draft, zone: str, vip: Vip) -> dict[Path, MachineSettings]:
    members: dict[Path, MachineSettings] = {}
    if vip.on == "control-planes":
        members |= {("nodes", key): one for key, one in draft.nodes.items() if "control-plane" in one.roles}
    else:
        balancers = draft.load_balancers.items()
        members |= {("load_balancers", key): one for key, one in balancers if one.zone == zone}
    return members


def _shared(draft: Draft) -> None:
    """At least two machines share an address, and control planes only the cluster's own."""
    for one in _groups(draft):
        if one.vip.on == "control-planes" and one.top != ("cluster",):
            expected = "load-balancers: control planes share only the cluster's own address"
            suggestion = "Give a pair of load balancers this zone."
            draft.report((*one.path, "on"), expected=expected, found=show(one.vip.on), suggestion=suggestion)
        elif len(one.members) < 2 and not _listed_amiss(draft, one):
            draft.report(
                one.path,
                expected=f"at least two {one.vip.on} that share it",
                found=", ".join(str(path[-1]) for path in one.members) or "none",
                suggestion="One alone has nobody to hand the address to: leave vip out, its own address is as good.",
            )


def _listed_amiss(draft: Draft, one: _Group) -> bool:
    """Whether machines were left out of the draft for mistakes of their own."""
    key = "nodes" if one.vip.on == "control-planes" else "load_balancers"
    listed = draft.raw.get(key)
    count = len(draft.nodes) if key == "nodes" else len(draft.load_balancers)
    return listed is not None and (not isinstance(listed, dict) or len(listed) != count)


def _place(draft: Draft) -> None:
    """The address lies in the subnet of all who share it, and is nobody's own."""
    owners = {machine.address: path for path, machine in draft.machines()}
    seen: dict[str, Path] = {}
    for one in _groups(draft):
        path, address = (*one.path, "address"), one.vip.address
        if address == STAND_INS["address"]:
            continue
        owner = owners.get(address) or seen.get(address)
        if owner:
            suggestion = f"{render((*owner, 'address'))} is the same; choose one that nothing has."
            draft.report(path, expected="an address of its own", found=show(address), suggestion=suggestion)
        else:
            _inside(draft, path, one)
        seen.setdefault(address, one.path)


def _inside(draft: Draft, path: Path, one: _Group) -> None:
    for machine, settings in one.members.items():
        if settings.subnet is None or draft.amiss(*draft.origin(machine, "subnet")):
            continue
        subnet, address = IPv4Network(settings.subnet), IPv4Address(one.vip.address)
        if address not in subnet or (subnet.prefixlen < 31 and address in (subnet[0], subnet[-1])):
            expected = f"an address inside {subnet}, the subnet of {machine[-1]}"
            suggestion = "Machines hand an address on within one network only."
            draft.report(path, expected=expected, found=show(str(address)), suggestion=suggestion)
            return


def _agreed(draft: Draft) -> None:
    """The endpoint is the virtual address, or a name for it."""
    for one in _groups(draft):
        given = {"endpoint_address": one.zone.endpoint_address}
        given["endpoint"] = one.zone.endpoint if is_address(one.zone.endpoint) else None
        for key, address in given.items():
            if address is not None and address != one.vip.address and not draft.amiss(*one.top, key):
                expected = f"the virtual address ({one.vip.address})"
                leave = (
                    "Leave it out" if key == "endpoint_address" else f'Write "{one.vip.address}" or a name'
                )
                suggestion = f"{leave}: the endpoint is where {render(one.path)} is."
                draft.report((*one.top, key), expected=expected, found=show(address), suggestion=suggestion)


def _ports(draft: Draft) -> None:
    """HAProxy beside an API server, which listens at all addresses, has a port of its own."""
    for one in _groups(draft):
        port = one.zone.endpoint_port
        if one.vip.on == "control-planes" and port in _BESIDE and not draft.amiss(*one.top, "endpoint_port"):
            draft.report(
                (*one.top, "endpoint_port"),
                expected="a port that is free on control planes, where HAProxy shares the machine",
                found=f"{port} ({_BESIDE[port]})",
                suggestion=f"Write for example endpoint_port: 8443, or {render(one.path)}.on: load-balancers.",
            )


def _group_ids(draft: Draft) -> None:
    """VRRP groups of one stack have numbers of their own."""
    seen: dict[int, Path] = {}
    for one in _groups(draft):
        if other := seen.get(one.vip.group):
            free = next(number for number in range(1, 256) if number not in seen)
            draft.report(
                (*one.path, "router_id"),
                expected="a number that no other virtual address has",
                found=f"{one.vip.group}, as {render(other)}",
                suggestion=f"Write for example router_id: {free}.",
            )
        seen.setdefault(one.vip.group, one.path)


def _priorities(draft: Draft) -> None:
    """Priorities are those of machines that share the address, and count only with preemption."""
    for one in _groups(draft):
        names, path = [str(member[-1]) for member in one.members], (*one.path, "priorities")
        for name in one.vip.priorities:
            if name not in names and not _listed_amiss(draft, one):
                suggestion = did_you_mean(name, names)
                expected = "a machine that shares the address"
                draft.report((*path, name), expected=expected, found=show(name), suggestion=suggestion)
        if one.vip.priorities and not one.vip.preempt:
            suggestion = "Add preempt: true, or leave priorities out: without it all machines are equal."
            draft.report(
                path, expected="preempt: true beside it", found="preempt: false", suggestion=suggestion
            )


VIP_RULES = (_shared, _place, _agreed, _ports, _group_ids, _priorities)
"""All rules about virtual addresses."""
