"""How an etcd member leaves: taken out of the cluster by another first, unless the whole rack is torn down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from providers.core.errors import Refused
from providers.core.thing import Rack, Site
from providers.etcd import etcd_machine
from providers.etcd.etcd_joining import TURN
from providers.etcd.etcdctl import Peer, listed, others_well, peers, reconfigure, teller
from providers.membership import admin
from providers.membership.leaving import ABANDON, TEARDOWN, abandoned


def leave(site: Site, wanted: Mapping[str, Any]) -> None:
    """Leave the cluster, gently where it lives on, and give the machine back."""
    with TURN:
        if etcd_machine.begun(site) and not _teardown(site):
            _depart(site, wanted)
        etcd_machine.give_back(site, wanted)


def abandon(rack: Rack, machine_name: str, wanted: Mapping[str, Any]) -> None:
    """Take a member whose machine will not come back out of the cluster, if that still answers."""
    chief = teller(peers(rack, without=machine_name))
    own = listed(chief.seen, str(wanted["name"]), str(wanted["address"])) if chief else None
    if chief and own:
        reconfigure(chief.host, "remove", own.identifier)


def _teardown(site: Site) -> bool:
    """Whether the whole cluster goes, or never became ready.

    In a teardown the control planes have gone before, and their marks with them. A control plane
    that cannot be asked may bear one. A machine that has left the configuration while others of the
    etcd cluster stay is never part of a teardown.
    """
    if os.environ.get(TEARDOWN) == "1":
        return True
    rack = site.rack
    silent_or_formed = [
        peer for peer in admin.peers(rack) if peer.formed or (peer.error and not abandoned(peer.host.name))
    ]
    if silent_or_formed:
        return False
    stay = [name for name in rack.etcd_members() if name != site.host.name]
    return rack.configured(site.host.name) or not stay


def _depart(site: Site, wanted: Mapping[str, Any]) -> None:
    """Check the quorum, then have another member remove this one."""
    name, address = str(wanted["name"]), str(wanted["address"])
    found = peers(site.rack, without=site.host.name)
    chief = teller(found)
    if chief is None:
        raise _cannot_leave(site, found)
    own = listed(chief.seen, name, address)
    if own is None:
        return
    if not own.learner:
        voters, well = others_well(chief.seen, name, address)
        needed = (voters - 1) // 2 + 1
        if well < needed:
            raise Refused(
                host=str(site.host),
                item="etcd member",
                expected=f"{needed} other healthy members",
                found=str(well),
                next_step="mend the other etcd members first: pulumi refresh names them",
            )
    site.say(f"leaving etcd, by {chief.host.name}")
    reconfigure(chief.host, "remove", own.identifier)


def _cannot_leave(site: Site, found: list[Peer]) -> Refused:
    said = [f"{one.host.name} {'unreachable' if one.error else 'without a quorum'}" for one in found]
    return Refused(
        host=str(site.host),
        item="leaving etcd",
        expected="another member that answers with a quorum, to take this one out",
        found=", ".join(said) or "no other member",
        next_step=f"bring the others up; or, if the whole rack goes: {TEARDOWN}=1 pulumi destroy; "
        f"of members that are gone for good: {ABANDON}=NAME,NAME",
    )
