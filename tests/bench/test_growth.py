"""What is run on a simulated rack, and how often."""

from __future__ import annotations

from bench.contenders.contender import AGAIN, FIRST
from bench.growth import AT_END, CHECKPOINTED, run_order


def test_from_nothing_is_run_once() -> None:
    """The first round's state is what the others find."""
    found = run_order((AT_END, FIRST, AGAIN), 2, CHECKPOINTED)
    assert found == [(0, AT_END), (0, FIRST), (0, AGAIN), (1, AGAIN)]


def test_checkpoints_are_left_out_where_they_take_for_ever() -> None:
    """Of those who keep a state; a script has a first run at any size."""
    many = CHECKPOINTED + 1
    assert run_order((AT_END, FIRST, AGAIN), 1, many) == [(0, AT_END), (0, AGAIN)]
    assert run_order((FIRST, AGAIN), 1, many) == [(0, FIRST), (0, AGAIN)]
