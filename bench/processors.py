"""Whose work this computer's processors do while something runs: the boards', group by group, or none.

The boards are containers, and the kernel counts what the control group of each uses; what the rest of this
computer uses is this program's own side, the kernel's threads and the containers' daemon.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab import engine
from lab.boards.plan import Board

IDLE = "idle"
REST = "this side"
_PAUSE = 1.0
_STAT = Path("/proc/stat")
_TICKS = os.sysconf("SC_CLK_TCK")
_GROUPS = Path("/sys/fs/cgroup")
Used = Mapping[str, float]
"""Processor seconds by whose they are: a group of boards, REST or IDLE."""


@dataclass
class Watch:
    """Looks at the processors each second; `accounts` are the kernel's, by what they are counted under."""

    accounts: Mapping[str, Sequence[Path]]
    seen: list[tuple[float, Used]] = field(default_factory=list)
    """Seconds since the beginning, and what was used until then."""
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look until told to stop, and once more then."""
        begun, first = time.monotonic(), _used(self.accounts)
        while True:
            stopped = self.done.wait(_PAUSE)
            now = _used(self.accounts)
            self.seen.append((time.monotonic() - begun, {name: now[name] - first[name] for name in now}))
            if stopped:
                return

    def until(self, moment: float) -> Used:
        """What was used until so many seconds after the beginning, as of the first look from then on."""
        return next((used for when, used in self.seen if when >= moment), self.seen[-1][1])


@contextmanager
def watched(groups: Mapping[str, Sequence[Board]]) -> Iterator[Watch]:
    """Look from here to the block's end; `groups` are running boards by the name that they are counted under."""
    watch = Watch({name: [_account(board) for board in boards] for name, boards in groups.items()})
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield watch
    finally:
        watch.done.set()
        thread.join()


def _used(accounts: Mapping[str, Sequence[Path]]) -> Used:
    by_boards = {name: sum(seconds(one.read_text()) for one in files) for name, files in accounts.items()}
    busy, idle = machine(_STAT.read_text())
    return {**by_boards, REST: busy - sum(by_boards.values()), IDLE: idle}


def machine(stat: str) -> tuple[float, float]:
    """Seconds in which all processors together worked and did not, from the text of /proc/stat (proc(5))."""
    user, nice, system, idle, wait, irq, soft_irq, *_ = (int(word) / _TICKS for word in stat.split()[1:11])
    return user + nice + system + irq + soft_irq, idle + wait


def seconds(account: str) -> float:
    """Processor seconds of a control group: cpuacct.usage in nanoseconds, or cpu.stat's usage_usec (cgroups(7))."""
    words = account.split()
    return int(words[0]) / 1e9 if len(words) == 1 else int(words[words.index("usage_usec") + 1]) / 1e6


def _account(board: Board) -> Path:
    """The kernel's count for a board's control group, of either version of control groups."""
    (name,) = engine.lines("inspect", "--format", "{{.Id}}", board.container)
    found = [*_GROUPS.glob(f"**/*{name}*/cpuacct.usage"), *_GROUPS.glob(f"**/*{name}*/cpu.stat")]
    return found[0]
