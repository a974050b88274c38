"""A control plane whose address changes: it leaves by the rules, and joins again where it will be.

Its address stands in etcd and in its certificates, so it cannot be carried along. It leaves before it
moves, while the others still see it, and only when all of them are ready: of several that move, the
next one waits until this one has joined again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.core.errors import Refused, Unobservable
from providers.core.thing import Site
from providers.membership import leaving
from providers.membership.admin import Admin, find_admin, peers
from providers.membership.draining import is_ready
from providers.membership.etcd_members import find_etcd, voters
from providers.membership.turns import TURN, await_others

WAIT = 1200.0
"""Seconds for the other control planes to be ready: another one may be moving, and joins again first."""
POLL = 5.0


def leave_to_move(site: Site, joined: Mapping[str, Any], address: str) -> None:
    """Take a member out of the cluster, as one that joins again at another address."""
    node = str(joined.get("node_name", site.host.name))
    _refuse_the_last(site, joined, address)
    with TURN:
        await_others(
            lambda: _not_ready(site, node),
            lambda away: site.say(f"moving to {address}: waiting, {away}"),
            lambda away: _refused(site, address, away),
            seconds=WAIT,
            poll=POLL,
        )
        site.say(f"leaving the cluster, to join again at {address}")
        leaving.give_up_membership(site, node, moving=True)


def _refuse_the_last(site: Site, joined: Mapping[str, Any], address: str) -> None:
    """Without another control plane there is nobody to keep etcd's data meanwhile."""
    if len(site.rack.control_planes()) < 2:
        raise Refused(
            host=str(site.host),
            item="address of the only control plane",
            expected=f"another control plane, to keep etcd's data while this one joins again at {address}",
            found=f"a single one, at {joined.get('address')}",
            next_step=f"keep address: {joined.get('address')}, or add a control plane first, pulumi up, then change it",
        )
    others = peers(site.rack, without=site.host.name)
    if all(one.error is not None for one in others):
        raise Refused(
            host=str(site.host),
            item=f"address of a control plane, {address}",
            expected="another control plane that answers at its address and stays there",
            found=", ".join(f"{one.host.name} unreachable" for one in others),
            next_step="change all addresses but one first, pulumi up, then the last one",
        )


def _not_ready(site: Site, node: str) -> str:
    """What is missing of the other control planes; "" when all are ready."""
    expected = len(site.rack.control_planes()) - 1
    try:
        admin = find_admin(site.rack, without=site.host.name)
        ready = sorted(_ready(admin, node))
    except (Refused, Unobservable) as error:
        return f"{error.item}: {error.found}"
    if len(ready) >= expected:
        return ""
    return f"{len(ready)} of {expected} other control planes ready ({', '.join(ready)})"


def _ready(admin: Admin, node: str) -> list[str]:
    """Names of the other control planes that are ready: where etcd is theirs, by their members."""
    etcd = find_etcd(admin, without=node)
    if etcd:
        return [one.name for one in voters(etcd.members(), without=node)]
    nodes = admin.get("nodes", "-l", "node-role.kubernetes.io/control-plane")["items"]
    names = [str(one["metadata"]["name"]) for one in nodes if is_ready(one)]
    return [name for name in names if name != node]


def _refused(site: Site, address: str, away: str) -> Refused:
    return Refused(
        host=str(site.host),
        item=f"moving a control plane to {address}",
        expected="all other control planes ready, so that etcd keeps its quorum",
        found=away,
        next_step="bring them up, or remove them from the stack file, then pulumi up again",
    )
