"""Control planes as those see them who wait for one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from providers.membership.admin import Lookout
from tests.fake_host import FakeHost
from tests.providers.membership.test_leaving import READY, look

NOT_READY = "yes\nno"


def test_many_who_wait_cost_a_control_plane_one_look() -> None:
    """The strict host would refuse a second."""
    first = FakeHost("cp-1", commands=[look(READY)])
    lookout = Lookout()
    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(lambda _: lookout.peer(first, 60.0).ready, range(16)))
    assert seen == [True] * 16
    first.finish()


def test_what_is_too_old_is_looked_at_anew() -> None:
    """And what another machine said is not taken for it."""
    first = FakeHost("cp-1", commands=[look(NOT_READY), look(READY)])
    second = FakeHost("cp-2", commands=[look(NOT_READY)])
    lookout = Lookout()
    assert not lookout.peer(first, 60.0).ready
    assert lookout.peer(first, 0.0).ready
    assert lookout.peer(first, 60.0).ready
    assert not lookout.peer(second, 60.0).ready
    first.finish()
    second.finish()
