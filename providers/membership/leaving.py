"""How a member leaves: drained, its API server and etcd member out, the board reset, its Node object removed.

A whole rack that is torn down knows no such rules: there is nothing left to protect.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from providers.core.errors import Refused, Unobservable
from providers.core.thing import Rack, Site
from providers.membership.admin import FORMED, Admin, find_admin, peers
from providers.membership.draining import drain, node_object
from providers.membership.etcd_members import check_quorum, find_etcd
from providers.membership.handing_over import hand_over
from providers.membership.kubeadm_reset import reset
from providers.membership.remains import forget_member, forget_object
from providers.membership.turns import TURN

TEARDOWN = "HELICON_TEARDOWN"
"""Environment: set to 1, every delete is one of a teardown."""
ABANDON = "HELICON_ABANDON"
"""Environment: names of machines, separated by commas, that are gone for good."""
GRACE = 20.0
"""Seconds in which a teardown's first delete (the formation's) takes the mark off the control planes."""


def abandoned(machine: str) -> bool:
    """Whether the user gave the machine up."""
    return machine in os.environ.get(ABANDON, "").replace(" ", "").split(",")


def leave(site: Site, joined: Mapping[str, Any]) -> None:
    """Leave the cluster, gently where it lives on, and reset the machine."""
    if _teardown(site):
        reset(site, teardown=True)
    elif joined.get("role") == "worker":
        node, admin = str(joined["node_name"]), _helper(site)
        _drain(site, admin, node)
        forget_object(admin, node)
        reset(site)
    else:
        # of one that has begun to leave, the state says nothing any more
        name = joined.get("node_name") or site.host.run(["hostname"]).text
        with TURN:
            give_up_membership(site, str(name))
    site.host.run(["rm", "-f", FORMED])


def give_up_membership(site: Site, node: str, *, moving: bool = False) -> None:
    """A control plane leaves the cluster that lives on, within its turn; Refused where quorum is at stake.

    When it is `moving`, it will join again, and keeps the certificates that the program placed.
    """
    admin = _helper(site)
    etcd = find_etcd(admin, without=node)
    if etcd:
        check_quorum(etcd.members(), node)
    _drain(site, admin, node)
    hand_over(site, admin, node)
    # before the reset: after it, a later run would not know that this had been a member
    forget_object(admin, node)
    reset(site, moving=moving, left=True)


def _teardown(site: Site) -> bool:
    """Whether the whole cluster goes, or never became ready.

    The mark on the control planes says that a cluster lives; the formation, which everything that
    is torn down waits for, takes it off. A machine that has left the configuration is never part
    of a teardown; one that is still in it may be deleted at the same time as the formation.
    """
    if os.environ.get(TEARDOWN) == "1":
        return True
    if not site.host.run(["test", "-e", "/etc/kubernetes/kubelet.conf"], check=False).ok:
        return True
    waits = GRACE if site.rack.configured(site.host.name) else 0.0
    deadline = time.monotonic() + waits
    while _formed(site):
        if time.monotonic() >= deadline:
            return False
        time.sleep(1)
    return True


def _formed(site: Site) -> bool:
    own = site.host.run(["test", "-e", FORMED], check=False).ok
    return own or any(peer.formed for peer in peers(site.rack, without=site.host.name))


def _helper(site: Site) -> Admin:
    try:
        return find_admin(site.rack, without=site.host.name)
    except Unobservable as error:
        raise _cannot_leave(site.host.name, error) from None


def _drain(site: Site, admin: Admin, node: str) -> None:
    found = node_object(admin, node)
    if found is not None:
        site.say("draining")
        drain(admin, found, for_good=True)


def _cannot_leave(machine: str, error: Unobservable) -> Refused:
    return Refused(
        host=machine,
        item="leaving the cluster",
        expected="another control plane to drain it and to remove it",
        found=error.found,
        next_step=f"bring a control plane up; or, if the whole rack goes: {TEARDOWN}=1 pulumi destroy",
    )


def abandon(rack: Rack, machine: str, node: str) -> None:
    """Remove what a board that will not come back has left in the cluster, unless that is gone as well."""
    try:
        admin = find_admin(rack, without=machine)
    except Unobservable as error:
        # without a mark on any control plane that answers, there is nothing to be removed from
        living = any(peer.formed for peer in peers(rack, without=machine))
        if living and os.environ.get(TEARDOWN) != "1":
            raise _cannot_leave(machine, error) from None
        return
    forget_member(admin, node)
    forget_object(admin, node)
