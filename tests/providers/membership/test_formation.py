"""What waits for the cluster's API: a first control plane is enough, and one that failed is not waited for."""

from __future__ import annotations

import pytest

from providers.core.errors import Unobservable
from providers.core.host import Host
from providers.membership import formation
from providers.membership.admin import Peer
from providers.membership.turns import Turn
from tests.fake_host import FakeHost
from tests.providers.membership.test_leaving import READY, look, say
from tests.scenarios import FakeRack

NO_MEMBER, NOT_READY = "no\nno", "yes\nno"
RECORDED = "test -e /var/lib/helicon/membership.json"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Turn:
    """No pauses, and turns that no other test has taken."""
    monkeypatch.setattr(formation, "POLL", 0.0)
    monkeypatch.setattr("providers.membership.turns.PATIENCE", -1.0)
    turn = Turn()
    monkeypatch.setattr(formation, "TURN", turn)
    return turn


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The control planes that were looked at together with all others who wait, each time anew."""
    names: list[str] = []

    def recent(host: Host) -> Peer:
        names.append(host.name)
        return Peer(host)

    monkeypatch.setattr(formation, "recent", recent)
    return names


def test_one_control_plane_that_answers_is_enough(looks: list[str]) -> None:
    """Once its kubeadm has ended: until then all may be reset. The second is no member yet."""
    said: list[str] = []
    first = FakeHost(
        "cp-1",
        commands=[look(NOT_READY), look(READY), say(RECORDED, exit=1), look(READY), say(RECORDED)],
    )
    second = FakeHost("cp-2", commands=[look(NO_MEMBER)])
    formation.await_api(FakeRack({"cp-1": first, "cp-2": second}), said.append)
    assert said == ["waiting for a first control plane"]
    assert looks == ["cp-1", "cp-2", "cp-1", "cp-1"]
    first.finish()
    second.finish()


def test_nobody_waits_for_a_cluster_whose_last_control_plane_failed(at_once: Turn) -> None:
    """The error says how each is."""
    with pytest.raises(RuntimeError, match="kubeadm init"), at_once:
        raise RuntimeError("kubeadm init")
    first = FakeHost("cp-1", commands=[look(NO_MEMBER)])
    with pytest.raises(Unobservable, match="cp-1: not a member"):
        formation.await_api(FakeRack({"cp-1": first}), print)
    first.finish()
