"""The turn of a control plane that is about to be away for a while: one at a time, all others ready."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from providers.core.errors import Refused
from providers.core.thing import Site
from providers.membership.admin import Peer, missing
from providers.membership.joining import TURN


@contextmanager
def turn(site: Site, what: str, seconds: float, poll: float) -> Iterator[None]:
    """The control planes' turn, once all others are ready; Refused when they are not within so many seconds."""
    deadline = time.monotonic() + seconds
    with TURN:
        while away := missing(site.rack, without=site.host.name):
            if time.monotonic() > deadline:
                raise _refused(site, what, away)
            site.say(f"{what}: waiting for {', '.join(peer.host.name for peer in away)}")
            if TURN.give_way(poll):
                deadline = time.monotonic() + seconds
        yield


def _refused(site: Site, what: str, away: list[Peer]) -> Refused:
    return Refused(
        host=str(site.host),
        item=f"{what} of a control plane",
        expected="all other control planes ready, so that etcd keeps its quorum",
        found=", ".join(f"{peer.host.name} {'unreachable' if peer.error else 'not ready'}" for peer in away),
        next_step="bring them up, or remove them from the stack file, then pulumi up again",
    )
