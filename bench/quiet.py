"""Whether this machine is fit to be measured on: what would be in every time, and unseen, is refused beforehand."""

from __future__ import annotations

import fcntl
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.boards import plan, rack

LOCK = Path("/run/helicon-bench.lock")
"""Of this machine, and no part of a lab, whose places go with its last board."""
SWAPS = Path("/proc/swaps")
_REMOVED_BY = {plan.Lab().name: "make lab-down, in the clone that made it"}
"""A lab that has a stack: without its boards, the state would describe what is gone."""


@contextmanager
def only_run() -> Iterator[int]:
    """For the block, the only run on this machine: two would be in each other's times, and on the same boards.

    The descriptor is for the process that measures: as long as it has it open, nobody else begins.
    """
    with LOCK.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(
                "another run of `make bench` measures on this machine. Next: wait for it"
            ) from None
        yield file.fileno()


def refuse_noise(own: Collection[str]) -> None:
    """End with all that is amiss; `own` are the names of the labs that are measured on. The engine has to run."""
    told = noise(SWAPS.read_text(), rack.listed(), own)
    if told:
        raise SystemExit("\n".join(told))


def noise(swaps: str, entries: Sequence[Mapping[str, Any]], own: Collection[str]) -> list[str]:
    """What is amiss: swap (`/proc/swaps`), and racks beside (`rack.listed`).

    A cluster that only idles takes a third of a processor, and its boards start with the engine.
    """
    others = sorted({one["lab"] for one in entries if one["running"] and one["lab"] not in own})
    told = [
        f"boards of the lab {name!r} run beside, and their work would be in every time."
        f" Next: {_REMOVED_BY.get(name, f'python -m lab.boards down --lab {name}')}"
        for name in others
    ]
    if len(swaps.splitlines()) > 1:  # the first line is the heading
        told.append(
            "this machine has swap, which boards share: each first run would turn it off. Next: swapoff --all"
        )
    return told
