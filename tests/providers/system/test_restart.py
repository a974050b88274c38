"""When a machine may not be restarted, and what is said of one that does not come back."""

from __future__ import annotations

import pytest

from providers.core.errors import HostError, Refused, Unreachable
from providers.core.host import Host
from providers.core.journal import Journal
from providers.core.thing import Site
from providers.system import restart
from tests.fake_host import Answer, Command, FakeHost, pattern
from tests.scenarios import FakeRack

MEMBER = "yes\nyes\nok\n"
LOOK = "<admin.look> * *"
BOOT_ID = f"cat {restart.BOOT_ID}"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting."""
    for name in ("POLL", "DEADLINE", "PEERS_WAIT"):
        monkeypatch.setattr(restart, name, 0.0)


def host(name: str, *commands: tuple[str, Answer]) -> FakeHost:
    """A machine that expects these commands."""
    return FakeHost(name, commands=[Command(argv=pattern(line), answer=answer) for line, answer in commands])


def site(machine: Host, *peers: FakeHost) -> Site:
    """The machine among its peers."""
    return Site(host=machine, journal=Journal(machine), rack=FakeRack({one.name: one for one in peers}))


def test_a_control_plane_stays_up_while_another_is_down() -> None:
    """etcd would lose its quorum."""
    machine = host("cp-1", (LOOK, Answer(out=MEMBER)))
    peer = host("cp-2", (LOOK, Answer(out="yes\nyes\n")))
    with pytest.raises(Refused, match=r"all other control planes ready.*found cp-2 not ready"):
        restart.restart(site(machine, peer))
    machine.finish()
    peer.finish()


def test_one_that_cannot_be_asked_counts_as_down() -> None:
    """It may hold a member of etcd."""
    machine = host("cp-1", (LOOK, Answer(out=MEMBER)))
    peer = host("cp-2", (LOOK, Answer(exit=255, err="no route")))
    with pytest.raises(Refused, match="cp-2 unreachable"):
        restart.restart(site(machine, peer))


def test_a_machine_that_never_went_down_is_named() -> None:
    """The same start as before, after the deadline."""
    same = (BOOT_ID, Answer(out="8d0c"))
    machine = host("w-1", (LOOK, Answer(out="no\nno\n")), same, ("<restart.restart>", Answer()), same)
    with pytest.raises(Unreachable, match=r"started anew within.*found the machine as it ran before"):
        restart.restart(site(machine))
    machine.finish()


def test_a_machine_that_does_not_answer_again_is_named() -> None:
    """With what the last attempt to reach it found."""
    machine = host(
        "w-1",
        (LOOK, Answer(out="no\nno\n")),
        (BOOT_ID, Answer(out="8d0c")),
        ("<restart.restart>", Answer()),
        (BOOT_ID, Answer(exit=255, err="no route to host")),
    )
    with pytest.raises(Unreachable, match=r"no route to host.*see its console"):
        restart.restart(site(machine))


def test_the_next_control_plane_waits_for_this_one() -> None:
    """A restarted control plane whose API server does not come back ends the row."""
    machine = host(
        "cp-1",
        (LOOK, Answer(out=MEMBER)),
        (BOOT_ID, Answer(out="8d0c")),
        ("<restart.restart>", Answer()),
        (BOOT_ID, Answer(out="f1e2")),
        ("systemctl is-system-running --wait", Answer(out="degraded", exit=1)),
        (LOOK, Answer(out="yes\nyes\n")),
    )
    with pytest.raises(HostError, match="API server after the restart: expected ready"):
        restart.restart(site(machine))
    machine.finish()
