"""What waits for the cluster's API: a first control plane is enough, and one that failed is not waited for."""

from __future__ import annotations

import pytest

from providers.core.errors import Unobservable
from providers.membership import formation
from providers.membership.turns import Turn
from tests.fake_host import FakeHost
from tests.providers.membership.test_leaving import READY, look
from tests.scenarios import FakeRack

NO_MEMBER, NOT_READY = "no\nno", "yes\nno"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Turn:
    """No pauses, and turns that no other test has taken."""
    monkeypatch.setattr(formation, "POLL", 0.0)
    monkeypatch.setattr("providers.membership.turns.PATIENCE", -1.0)
    turn = Turn()
    monkeypatch.setattr(formation, "TURN", turn)
    return turn


def test_one_control_plane_that_answers_is_enough() -> None:
    """The second is no member yet; nothing is written to either."""
    first = FakeHost("cp-1", commands=[look(NOT_READY), look(READY)])
    second = FakeHost("cp-2", commands=[look(NO_MEMBER)])
    formation.answer(FakeRack({"cp-1": first, "cp-2": second}))
    first.finish()
    second.finish()


def test_nobody_waits_for_a_cluster_whose_last_control_plane_failed(at_once: Turn) -> None:
    """The error says how each is."""
    with pytest.raises(RuntimeError, match="kubeadm init"), at_once:
        raise RuntimeError("kubeadm init")
    first = FakeHost("cp-1", commands=[look(NO_MEMBER)])
    with pytest.raises(Unobservable, match="cp-1: not a member"):
        formation.answer(FakeRack({"cp-1": first}))
    first.finish()
