"""Control planes as those see them who wait for one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from providers.core.host import Completed
from providers.membership import admin
from providers.membership.admin import REST, Lookout
from tests.fake_host import Command, FakeHost
from tests.providers.membership.test_leaving import READY, look

NOT_READY = "yes\nno"


class Clock(SimpleNamespace):
    """Seconds that pass only when they are told to."""

    now = 100.0

    def monotonic(self) -> float:
        """As time's own."""
        return self.now

    def passes(self, seconds: float) -> None:
        """So many seconds later."""
        self.now += seconds


class Board(FakeHost):
    """A board that takes its time to answer."""

    def __init__(self, wait: Callable[[], None], commands: Iterable[Command]) -> None:
        super().__init__("cp-1", commands=commands)
        self._wait = wait

    def run(self, argv: Sequence[str], **options: Any) -> Completed:
        """Answer when the time has passed."""
        self._wait()
        return super().run(argv, **options)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that looks go by."""
    clock = Clock()
    monkeypatch.setattr(admin, "time", clock)
    return clock


def test_many_who_wait_cost_a_control_plane_one_look() -> None:
    """The strict host would refuse a second, and all are there before it has answered."""
    first = Board(lambda: time.sleep(0.1), [look(READY)])
    lookout = Lookout(60.0)
    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(lambda _: lookout.peer(first).ready, range(16)))
    assert seen == [True] * 16
    first.finish()


def test_what_is_too_old_is_looked_at_anew(clock: Clock) -> None:
    """And what another machine said is not taken for it."""
    first = FakeHost("cp-1", commands=[look(NOT_READY), look(READY)])
    second = FakeHost("cp-2", commands=[look(NOT_READY)])
    lookout = Lookout(1.0)
    assert not lookout.peer(first).ready
    clock.passes(1.0)
    assert lookout.peer(first).ready
    clock.passes(0.9)
    assert lookout.peer(first).ready
    assert not lookout.peer(second).ready
    first.finish()
    second.finish()


@pytest.mark.parametrize(("took", "rest"), [(0.2, 1.0), (3.0, 3.0), (60.0, REST)])
def test_a_slow_board_rests_as_long_as_it_took(clock: Clock, took: float, rest: float) -> None:
    """Within bounds, since a reboot may lie in between; once it is ready, nobody waits any more."""
    board = Board(lambda: clock.passes(took), [look(NOT_READY), look(READY), look(NOT_READY)])
    lookout = Lookout(1.0)
    assert not lookout.peer(board).ready
    clock.passes(rest - 0.1)
    assert not lookout.peer(board).ready
    clock.passes(0.1)
    assert lookout.peer(board).ready
    clock.passes(1.0)
    assert not lookout.peer(board).ready
    board.finish()
