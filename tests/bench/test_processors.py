"""Whose work the processors do: read from the kernel's counts, told as of a moment."""

from __future__ import annotations

import time

from pytest import approx

from bench.processors import IDLE, REST, Watch, machine, seconds, watched


def test_the_kernels_counts_are_seconds_of_work_and_of_none() -> None:
    """Waiting for a disk is no work; what a hypervisor took away is neither."""
    busy, idle = machine("cpu  100 20 300 4000 500 6 70 8888 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    assert (busy, idle) == approx((4.96, 45.0))


def test_a_control_group_is_read_in_either_version() -> None:
    """The first counts nanoseconds in a file of its own, the second microseconds among other figures."""
    assert seconds("62459897834\n") == approx(62.459897834)
    assert seconds("usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n") == approx(1.5)


def test_a_moment_is_told_as_of_the_next_look() -> None:
    """A moment after the last look is told as of that."""
    watch = Watch({}, seen=[(1.0, {REST: 1.5}), (2.0, {REST: 3.0})])
    assert [watch.until(moment)[REST] for moment in (0.5, 1.0, 1.5, 60.0)] == [1.5, 1.5, 3.0, 3.0]


def test_what_this_machine_does_meanwhile_is_counted() -> None:
    """The look at the end sees what came after the look before."""
    with watched({}) as watch:
        begun = time.process_time()
        while time.process_time() - begun < 0.3:
            pass
    used = watch.until(0.0)
    assert used[REST] > 0.2
    assert used[IDLE] >= 0
