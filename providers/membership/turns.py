"""Control planes one at a time: whose turn it is, and how long whoever has it waits for the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from providers.core.errors import Refused
from providers.core.thing import Site
from providers.membership.admin import Peer, missing

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds that whoever needs the cluster goes on waiting when the last control plane under way has failed."""


class Turn:
    """Control planes of this process: one at a time, and what became of them.

    Only speed and courtesy hang on this: whether a cluster exists is always asked on the machines.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._under_way = self._ended = 0
        self._failed_at: float | None = None

    def __enter__(self) -> None:
        self._under_way += 1
        self.lock.acquire()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._under_way -= 1
        self._ended += 1
        self._failed_at = time.monotonic() if error is not None else None
        self.lock.release()

    def give_way(self, seconds: float) -> bool:
        """Let others have the turn that the caller holds; whether one of them has come to its end meanwhile.

        Whoever waits for another control plane does, since that one may need the turn to come back. Only
        an end is reason to wait longer: those who wait for each other would never give up.
        """
        ended = self._ended
        self.lock.release()
        try:
            time.sleep(seconds)
        finally:
            self.lock.acquire()
        return self._ended != ended

    @property
    def under_way(self) -> bool:
        """Whether a control plane has the turn, or waits for it."""
        return self._under_way > 0

    def hopeless(self) -> bool:
        """Whether the last control plane failed a while ago and none is under way."""
        failed = self._failed_at
        return not self.under_way and failed is not None and time.monotonic() - failed > PATIENCE


TURN = Turn()


def await_others(
    missing: Callable[[], T],
    say: Callable[[T], None],
    refused: Callable[[T], Refused],
    *,
    seconds: float,
    poll: float,
) -> None:
    """Wait, holding the turn and giving way, until nothing is `missing`.

    Raises what `refused` makes of it when for so many seconds nobody came to the end of a turn.
    """
    deadline = time.monotonic() + seconds
    while away := missing():
        if time.monotonic() > deadline:
            raise refused(away)
        say(away)
        if TURN.give_way(poll):
            deadline = time.monotonic() + seconds


@contextmanager
def turn(site: Site, what: str, seconds: float, poll: float) -> Iterator[None]:
    """The control planes' turn, once all others are ready; Refused when they are not within so many seconds."""
    with TURN:
        await_others(
            lambda: missing(site.rack, without=site.host.name),
            lambda away: site.say(f"{what}: waiting for {', '.join(peer.host.name for peer in away)}"),
            lambda away: _refused(site, what, away),
            seconds=seconds,
            poll=poll,
        )
        yield


def _refused(site: Site, what: str, away: list[Peer]) -> Refused:
    return Refused(
        host=str(site.host),
        item=f"{what} of a control plane",
        expected="all other control planes ready, so that etcd keeps its quorum",
        found=", ".join(f"{peer.host.name} {'unreachable' if peer.error else 'not ready'}" for peer in away),
        next_step="bring them up, or remove them from the stack file, then pulumi up again",
    )
