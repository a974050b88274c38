"""How a machine becomes an etcd member: the first of a rack alone, each further one by being added, one at a time.

Whether there is a cluster already is asked on the machines, never told by a position in a list. A
member is added as a learner, which has no vote, and gets one when it has caught up: at no time does
a member that may not come up count for the quorum.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from providers.core.errors import HostError, Refused
from providers.core.thing import Site
from providers.etcd import etcd_machine
from providers.etcd.etcd_manifest import CLUSTER, EXISTING, NEW, STATE
from providers.etcd.etcdctl import (
    POLL,
    Member,
    Peer,
    Seen,
    listed,
    others_well,
    peer_url,
    peers,
    reconfigure,
    tell,
    teller,
)
from providers.membership import admin
from providers.membership.turns import Turn

TURN = Turn()
"""Joins and restarts of this process: one at a time."""
WAIT = 600.0
"""Seconds until a member answers; slow boards pull its image before."""


def become_member(site: Site, wanted: Mapping[str, Any]) -> None:
    """Go on from what an earlier run left, else begin a cluster or join the one there is."""
    remains = etcd_machine.left(site, wanted)
    if remains and not etcd_machine.begun(site):
        raise _foreign(site, wanted, remains)
    if remains and _resume(site, wanted, remains):
        await_member(site, wanted)
        if etcd_machine.initial(site) == alone(wanted, NEW):
            restart(site, wanted)
        return
    with TURN:
        _form_or_join(site, wanted)
        await_member(site, wanted)
        if etcd_machine.initial(site) == alone(wanted, NEW):
            _renew(site, wanted)


def restart(site: Site, wanted: Mapping[str, Any]) -> None:
    """Start the member anew with other options, while the others keep the quorum."""
    with TURN:
        chief = teller([*peers(site.rack, without=site.host.name), Peer(site.host)])
        if chief is not None:
            require_quorum(site, chief.seen, wanted)
        _renew(site, wanted)


def _renew(site: Site, wanted: Mapping[str, Any]) -> None:
    """Stop the member and start it as one of a cluster that exists: without its data it then begins no other."""
    began = etcd_machine.initial(site) or alone(wanted, EXISTING)
    etcd_machine.stop(site)
    etcd_machine.place(site, wanted, {**began, STATE: EXISTING})
    await_member(site, wanted)


def require_quorum(site: Site, seen: Seen, wanted: Mapping[str, Any]) -> None:
    """Raise Refused where the other members would be no majority while this one is away."""
    voters, well = others_well(seen, str(wanted["name"]), str(wanted["address"]))
    needed = min(voters // 2 + 1, voters - 1)  # of one or two members, none can be spared
    if well < needed:
        raise Refused(
            host=str(site.host),
            item="restart of etcd",
            expected=f"{needed} other healthy members",
            found=f"{well} of {voters}",
            next_step="mend the other etcd members first: pulumi refresh names them",
        )


def await_member(site: Site, wanted: Mapping[str, Any]) -> None:
    """Wait until the member takes part in the quorum; a learner that has caught up gets its vote."""
    deadline = time.monotonic() + WAIT
    site.say("waiting for etcd")
    while not etcd_machine.healthy(site):
        _promote(site, wanted)
        if time.monotonic() > deadline:
            raise HostError(
                host=str(site.host),
                item="etcd",
                expected="a healthy member",
                found="one that does not answer, or has no quorum",
                next_step="tail -n 20 /var/log/pods/kube-system_etcd-*/etcd/*.log; journalctl -u kubelet -n 50",
            )
        time.sleep(POLL)


def _told(site: Site, wanted: Mapping[str, Any]) -> tuple[Peer | None, Member | None]:
    """Who else speaks for the cluster, and this machine's member as it knows it."""
    chief = teller(peers(site.rack, without=site.host.name))
    return chief, listed(chief.seen, str(wanted["name"]), str(wanted["address"])) if chief else None


def _promote(site: Site, wanted: Mapping[str, Any]) -> None:
    chief, own = _told(site, wanted)
    if chief and own and own.started and own.learner:
        # refused until it is in sync with the leader
        tell(chief.host, "member", "promote", own.identifier, check=False)


def _resume(site: Site, wanted: Mapping[str, Any], remains: Sequence[str]) -> bool:
    """Start what is there; False where the cluster lives on without it, or it without its data: it must join anew."""
    chief, own = _told(site, wanted)
    if chief and (own is None or (own.started and "data" not in remains)):
        etcd_machine.wipe(site, wanted)
        return False
    etcd_machine.place(site, wanted, etcd_machine.initial(site) or alone(wanted, EXISTING))
    return True


def _form_or_join(site: Site, wanted: Mapping[str, Any]) -> None:
    found = peers(site.rack, without=site.host.name)
    if any(peer.seen.begun for peer in found):
        _join(site, wanted, _wait_for_cluster(site))
        return
    _refuse_second_cluster(site, found)
    site.say("first member of a new etcd cluster")
    etcd_machine.place(site, wanted, alone(wanted, NEW))


def alone(wanted: Mapping[str, Any], state: str) -> dict[str, str]:
    """How the first member begins."""
    cluster = f"{wanted['name']}={peer_url(str(wanted['address']))}"
    return {CLUSTER: cluster, STATE: state}


def _refuse_second_cluster(site: Site, found: Sequence[Peer]) -> None:
    """An empty etcd is only begun where all machines of it answer, and no cluster has lived before."""
    silent = [peer.host.name for peer in found if peer.error]
    formed = [one.host.name for one in admin.peers(site.rack) if one.formed]
    if not silent and not formed:
        return
    lived = f"{', '.join(formed)} of a cluster that lived with another etcd, or whose etcd lost its data"
    raise Refused(
        host=str(site.host),
        item="new etcd cluster",
        expected="etcd machines that all answer, and no control plane of a living cluster",
        found=f"no answer of {', '.join(silent)}" if silent else lived,
        next_step="bring the machines up, then pulumi up again"
        if silent
        else "a living cluster keeps the kind of etcd it has: take etcd_members back to what it was; "
        "where the data is lost, restore a backup",
    )


def _wait_for_cluster(site: Site) -> Peer:
    deadline = time.monotonic() + WAIT
    site.say("waiting for the first member of etcd")
    while True:
        chief = teller(peers(site.rack, without=site.host.name))
        if chief is not None:
            return chief
        if time.monotonic() > deadline:
            raise Refused(
                host=str(site.host),
                item="joining etcd",
                expected="a member that answers with a quorum",
                found="none",
                next_step="see the first error of this run, mend it, then pulumi up again",
            )
        time.sleep(POLL)


def _join(site: Site, wanted: Mapping[str, Any], chief: Peer) -> None:
    name, url = str(wanted["name"]), peer_url(str(wanted["address"]))
    site.say(f"joining etcd, by {chief.host.name}")
    former = listed(chief.seen, name, str(wanted["address"]))
    if former is not None:
        # of a run that was killed, or of a machine that died and was replaced: it has no data here
        reconfigure(chief.host, "remove", former.identifier)
    reconfigure(chief.host, "add", name, "--learner", f"--peer-urls={url}")
    members = Peer(chief.host).seen.members
    named = {one.peer_url: one.name or f"member-{one.identifier}" for one in members} | {url: name}
    cluster = ",".join(f"{named[one]}={one}" for one in sorted(named))
    etcd_machine.place(site, wanted, {CLUSTER: cluster, STATE: EXISTING})


def _foreign(site: Site, wanted: Mapping[str, Any], remains: Sequence[str]) -> Refused:
    return Refused(
        host=str(site.host),
        item="etcd",
        expected="a machine without one",
        found=f"an etcd of another origin ({' and '.join(remains)})",
        next_step=f"move /etc/kubernetes/manifests/etcd.yaml and {wanted['data_directory']}/member away",
    )
