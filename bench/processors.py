"""Whose work this computer's processors do while something runs: the boards', group by group, or none.

The boards are containers, and their daemon counts what each uses; what the rest of this computer uses is
this program's own side, the kernel's threads and the daemon.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
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
Used = Mapping[str, float]
"""Processor seconds by whose they are: a group of boards, REST or IDLE."""


class _Connection(http.client.HTTPConnection):
    """HTTP to the daemon's socket: its client program would wait a second for each figure."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(engine.SOCKET))


@dataclass
class Watch:
    """Looks at the processors each second; `groups` are boards by the name that their time is counted under."""

    groups: Mapping[str, Sequence[Board]]
    seen: list[tuple[float, Used]] = field(default_factory=list)
    """Seconds since the beginning, and what was used until then."""
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look until told to stop, and once more then."""
        begun, first = time.monotonic(), _used(self.groups)
        while True:
            stopped = self.done.wait(_PAUSE)
            now = _used(self.groups)
            self.seen.append((time.monotonic() - begun, {name: now[name] - first[name] for name in now}))
            if stopped:
                return

    def until(self, moment: float) -> Used:
        """What was used until so many seconds after the beginning, as of the first look from then on."""
        return next((used for when, used in self.seen if when >= moment), self.seen[-1][1])


@contextmanager
def watched(groups: Mapping[str, Sequence[Board]]) -> Iterator[Watch]:
    """Look from here to the block's end."""
    watch = Watch(groups)
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield watch
    finally:
        watch.done.set()
        thread.join()


def _used(groups: Mapping[str, Sequence[Board]]) -> Used:
    by_boards = {name: sum(map(_by_board, boards)) for name, boards in groups.items()}
    busy, idle = machine(_STAT.read_text())
    return {**by_boards, REST: busy - sum(by_boards.values()), IDLE: idle}


def machine(stat: str) -> tuple[float, float]:
    """Seconds in which all processors together worked and did not, from the text of /proc/stat (proc(5))."""
    user, nice, system, idle, wait, irq, soft_irq, *_ = (int(word) / _TICKS for word in stat.split()[1:11])
    return user + nice + system + irq + soft_irq, idle + wait


def _by_board(board: Board) -> float:
    connection = _Connection("localhost", timeout=10)
    try:
        connection.request("GET", f"/containers/{board.container}/stats?stream=false&one-shot=true")
        found = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return float(found["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
