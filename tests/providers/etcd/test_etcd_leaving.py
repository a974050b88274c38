"""Leaving etcd: taken out by another member where the cluster lives, at once where the rack goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from providers import abandoning
from providers.core.errors import Refused
from providers.core.journal import Journal
from providers.core.thing import Site
from providers.etcd import etcd_leaving
from providers.membership import leaving
from tests.fake_host import Answer, Command, FakeHost, pattern
from tests.scenarios import FakeRack

WANTED: dict[str, Any] = {"name": "etcd-1", "address": "10.0.0.41", "data_directory": "/var/lib/etcd"}
BEGUN = Command(argv=pattern("<journal.recall> * name"), answer=Answer(out="name ZXRjZC0x"))
GIVEN_BACK = (
    BEGUN,
    *(
        Command(argv=pattern(one))
        for one in (
            "<etcd_machine.stop> /etc/kubernetes/manifests/etcd.yaml",
            "<etcd_machine.wipe> /var/lib/etcd",
            "<etcd_machine.quiet> kubelet.service /var/lib/etcd",
            "<journal.restore> ...",
            "systemctl daemon-reload",
            "<journal.forget> ...",
        )
    ),
)
WELL = "https://10.0.0.4{0}:2379 is healthy: successfully committed proposal: took = 3ms"
LINE = "a{0}, started, etcd-{0}, https://10.0.0.4{0}:2380, https://10.0.0.4{0}:2379, false"


def member(number: int, *commands: Command) -> FakeHost:
    """A machine of etcd."""
    return FakeHost(f"etcd-{number}", commands=commands)


def control_plane(out: str) -> FakeHost:
    """A control plane that is asked once how it is."""
    return FakeHost("cp-1", commands=[Command(argv=pattern("<admin.look> ..."), answer=Answer(out=out))])


def look(*members: int, well: Sequence[int]) -> Command:
    """A member that is asked who there is, and who is well."""
    lines = ["yes", *(LINE.format(one) for one in members), *(WELL.format(one) for one in well)]
    return Command(argv=pattern("<etcdctl.look> 6s"), answer=Answer(out="\n".join(lines)))


def site(host: FakeHost, others: Sequence[FakeHost], configured: Sequence[str]) -> Site:
    """A machine among others."""
    rack = FakeRack({one.name: one for one in (*others, host)}, configured)
    return Site(host=host, journal=Journal(host), rack=rack, leaving=True)


REMOVE = Command(argv=pattern("<etcdctl.tell> 15s member remove a1"))


def test_a_member_that_left_the_stack_file_is_taken_out_by_another() -> None:
    """While the cluster lives, before its data goes."""
    host, peer = member(1, BEGUN, *GIVEN_BACK), member(2, look(1, 2, 3, 4, well=[1, 2, 3, 4]), REMOVE)
    cp = control_plane("yes\nyes\nok")
    etcd_leaving.leave(site(host, [peer, cp], ["etcd-2"]), WANTED)
    for one in (host, peer, cp):
        one.finish()


def test_a_member_of_a_cluster_that_never_became_ready_is_taken_out_all_the_same() -> None:
    """The others stay, and would count it for ever."""
    host, peer = member(1, BEGUN, *GIVEN_BACK), member(2, look(1, 2, well=[1, 2]), REMOVE)
    etcd_leaving.leave(site(host, [peer, control_plane("no\nno")], ["etcd-2"]), WANTED)
    host.finish()
    peer.finish()


def test_a_rack_that_is_torn_down_asks_for_no_quorum() -> None:
    """Its control planes are gone by then, and their marks with them."""
    host, peer = member(1, BEGUN, *GIVEN_BACK), member(2)
    etcd_leaving.leave(site(host, [peer, control_plane("no\nno")], ["etcd-1", "etcd-2", "cp-1"]), WANTED)
    host.finish()
    peer.finish()


def test_the_user_can_say_that_it_is_a_teardown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nobody else is asked."""
    monkeypatch.setenv(leaving.TEARDOWN, "1")
    host = member(1, BEGUN, *GIVEN_BACK)
    etcd_leaving.leave(site(host, [member(2)], ["etcd-1", "etcd-2"]), WANTED)
    host.finish()


def test_a_machine_that_was_never_begun_is_left_alone() -> None:
    """Giving back twice is fine."""
    nothing = Command(argv=pattern("<journal.recall> * name"))
    host = member(1, nothing, nothing)
    etcd_leaving.leave(site(host, [], ["etcd-1"]), WANTED)
    host.finish()


@pytest.mark.parametrize(("members", "well", "found"), [((1, 2, 3), [1, 2], "1"), ((1,), [1], "0")])
def test_a_member_stays_when_the_rest_would_lose_the_quorum(
    members: Sequence[int], well: Sequence[int], found: str
) -> None:
    """Nothing is stopped, nothing deleted."""
    host, peer = member(1, BEGUN), member(2, look(*members, well=well))
    with pytest.raises(Refused, match=rf"other healthy members, found {found}\."):
        etcd_leaving.leave(site(host, [peer, control_plane("yes\nyes\nok")], ["etcd-2"]), WANTED)
    host.finish()


def test_the_last_member_of_a_living_cluster_stays() -> None:
    """The refusal names the ways out."""
    host = member(1, BEGUN)
    with pytest.raises(Refused, match="HELICON_TEARDOWN=1 pulumi destroy"):
        etcd_leaving.leave(site(host, [control_plane("yes\nyes\nok")], []), WANTED)
    host.finish()


def test_a_dead_member_is_taken_out_when_it_is_given_up() -> None:
    """By another; where none answers there is nothing to be taken out of."""
    peer = member(2, look(1, 2, 3, well=[2, 3]), REMOVE)
    props = {"machine": "etcd-1", "etcd_member": WANTED}
    abandoning.abandon("Etcd", FakeRack({peer.name: peer}, ["etcd-1", "etcd-2"]), props)
    peer.finish()
    silent = member(2, Command(argv=pattern("<etcdctl.look> 6s"), answer=Answer(out="yes")))
    abandoning.abandon("Etcd", FakeRack({silent.name: silent}, ["etcd-1", "etcd-2"]), props)
    silent.finish()
