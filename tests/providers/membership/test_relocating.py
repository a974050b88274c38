"""Control planes that move: one at a time, and whoever waits lets the others have their turn."""

from __future__ import annotations

import threading
import time

import pytest

from providers.core.errors import Refused
from providers.membership import relocating
from providers.membership.turns import Turn
from tests.fake_host import FakeHost
from tests.providers.membership.test_leaving import PODS, etcd, etcd_pods, look, say, site

READY = "yes\nyes\nok"
MEMBER = {"role": "control-plane", "node_name": "cp-3", "address": "10.0.0.13"}


def test_the_second_one_waits_until_the_first_has_joined_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """While etcd has two members of three configured, nobody else leaves, and the reason is said."""
    monkeypatch.setattr(relocating, "WAIT", 0.0)
    mover = FakeHost("cp-3")
    peer = FakeHost(
        "cp-1",
        commands=[
            look(READY),
            look(READY),
            say(PODS, etcd_pods("cp-1", "cp-3")),
            *etcd("cp-1", ["cp-1", "cp-3"]),
        ],
    )
    away = FakeHost("cp-2", commands=[look("no\nno")])
    with pytest.raises(Refused, match=r"1 of 2 other control planes ready \(cp-1\)"):
        relocating.leave_to_move(site(mover, [peer, away], configured=True), MEMBER, "10.0.0.33")
    assert not mover.ran
    peer.finish()
    away.finish()


def test_giving_way_lets_another_one_through_and_tells_of_it() -> None:
    """Whoever waits for a control plane does not keep it from coming back, and waits no longer for nothing."""
    turn, done = Turn(), threading.Event()

    def come_back() -> None:
        with turn:
            done.set()
            time.sleep(0.2)

    with turn:
        other = threading.Thread(target=come_back)
        other.start()
        assert not done.wait(0.05)
        assert turn.give_way(0.05)
        assert done.is_set()
        other.join()
        assert not turn.give_way(0.01)
