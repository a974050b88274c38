"""apt for real: packages come and go, an interrupted dpkg is mended, a running one is waited for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.core.errors import CommandFailed
from providers.core.thing import Json
from providers.software.packages import Packages
from providers.software.upgrade import RECORD, Upgrade
from tests.local_host import LocalHost
from tests.providers.life import converge, live, site
from tests.providers.software.debian import debian, installed, publish

pytestmark = pytest.mark.slow

_LOCK = """
import fcntl, time
locks = [open(path, "a") for path in ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock")]
for lock in locks: fcntl.lockf(lock, fcntl.LOCK_EX)
print("locked", flush=True); time.sleep(2)
"""
_HOLD_LOCK = 'mkfifo /run/said; python3 -c "$1" > /run/said 2>/dev/null & read -r said < /run/said'


@pytest.fixture
def board() -> Iterator[LocalHost]:
    """A machine with a repository of three packages, one of which needs another."""
    with debian() as host:
        publish(host, "library", "1.0")
        publish(host, "runtime", "1.6", "library")
        publish(host, "runtime", "1.7", "library")
        publish(host, "tool", "1.0")
        yield host


def test_packages_live_and_leave_nothing(board: LocalHost) -> None:
    """Versions and holds are mended; what came along goes with the last package that needs it."""
    drifted = live(
        Packages(),
        board,
        {"runtime": {"version": "1.6*", "hold": True}},
        {"runtime": {"version": "1.7*", "hold": True}, "tool": {"version": "", "hold": False}},
        ["apt-mark unhold runtime", "apt-get -q -y install runtime"],
        ["/opt"],
    )
    assert drifted == ["runtime", "runtime.hold"]
    assert installed(board) == {}


def test_an_interrupted_dpkg_is_mended_on_the_way(board: LocalHost) -> None:
    """A package that could not be configured shows as such, and is configured once it can be."""
    publish(board, "runtime", "1.8", "library", "test -e /run/power")
    board.run(["apt-get", "-q", "-y", "install", "runtime=1.8"], check=False)
    board.run(["sh", "-c", "echo > /var/lib/dpkg/updates/0001"])
    assert "half-configured" in installed(board)["runtime"]
    said = board.run(["apt-get", "-q", "-y", "install", "tool"], check=False).stderr
    assert b"dpkg was interrupted" in said
    board.run(["touch", "/run/power"])
    assert converge(Packages(), board, None, {"tool": "", "runtime": "1.8"}) == ["runtime", "tool"]
    assert installed(board)["runtime"] == "1.8 install installed"


def test_what_cannot_be_configured_is_named(board: LocalHost) -> None:
    """The error says which packages are inconsistent, and what to type."""
    publish(board, "broken", "1.0", "", "exit 1")
    with pytest.raises(CommandFailed, match=r"packages in a consistent state.*broken(?s:.*)dpkg --audit"):
        converge(Packages(), board, None, {"broken": ""})


def test_a_running_dpkg_is_waited_for(board: LocalHost) -> None:
    """An upgrade of the machine's own holds the lock: neither installing nor holding fails for it."""
    board.run(["sh", "-c", _HOLD_LOCK, "hold-lock", _LOCK])
    assert converge(Packages(), board, None, {"tool": {"version": "", "hold": True}}) == ["tool", "tool.hold"]
    board.run(["sh", "-c", "rm /run/said; " + _HOLD_LOCK, "hold-lock", _LOCK])
    assert converge(Packages(), board, None, {"tool": {"version": "", "hold": False}}) == ["tool.hold"]
    assert installed(board)["tool"] == "1.0 install installed"


def test_an_upgrade_runs_once_for_each_stamp_and_keeps_what_is_held(board: LocalHost) -> None:
    """Looking shows what is pending and touches nothing; a stamp upgrades once; nothing comes back."""
    converge(Packages(), board, None, {"runtime": {"version": "1.6", "hold": True}, "tool": ""})
    publish(board, "tool", "1.1")
    thing, here = Upgrade(), site(board)
    looking = thing.parse({"level": "dist-upgrade", "stamp": ""})
    seen = thing.observe(here, looking)
    assert (seen.pending, thing.plan(seen, looking)) == ({"tool": "1.0 -> 1.1"}, [])
    wanted: dict[str, Json] = {"level": "dist-upgrade", "stamp": "1"}
    assert converge(thing, board, None, wanted) == ["stamp", "pending.tool"]
    assert installed(board)["runtime"] == "1.6 hold installed"
    assert installed(board)["tool"] == "1.1 install installed"
    publish(board, "tool", "1.2")
    assert converge(thing, board, wanted, wanted) == []
    assert converge(thing, board, wanted, {**wanted, "stamp": "2"}) == ["stamp", "pending.tool"]
    for _ in range(2):
        thing.remove(here, thing.parse(wanted))
    assert board.read(RECORD) is None
    assert installed(board)["tool"] == "1.2 install installed"
