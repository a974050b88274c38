"""The forming cluster: its API answers through the endpoint; once formed, leaving it has rules."""

from __future__ import annotations

import time

from providers.core.errors import HostError, Unobservable
from providers.core.thing import Rack
from providers.membership.admin import ADMIN_CONF, FORMED, find_admin, peers
from providers.membership.joining import POLL
from providers.membership.joining import WAIT as WAIT_FOR_FIRST
from providers.membership.turns import TURN

WAIT = 300.0
"""Seconds for the endpoint to answer after the control planes have joined."""


def answer(rack: Rack) -> None:
    """Wait until one control plane's API answers through the endpoint; the others may join meanwhile.

    Raises Unobservable, naming what each control plane said, when it does not in time or the last one failed.
    """
    _await_answer(rack, WAIT_FOR_FIRST)


def form(rack: Rack) -> None:
    """Wait until the API answers through the endpoint, then mark the control planes."""
    _await_answer(rack, WAIT)
    _on_each(rack, ["sh", "-c", f"[ ! -e {ADMIN_CONF} ] || touch {FORMED}"])


def dissolve(rack: Rack) -> None:
    """Take the mark off every control plane: what follows is a teardown."""
    _on_each(rack, ["rm", "-f", FORMED])


def _await_answer(rack: Rack, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            # admin.conf points at the endpoint: who is ready was answered through the load balancer
            find_admin(rack)
            return
        except Unobservable:
            if time.monotonic() > deadline or TURN.hopeless():
                raise
            time.sleep(POLL)


def _on_each(rack: Rack, argv: list[str]) -> None:
    for peer in peers(rack):
        if peer.error is None:
            try:
                peer.host.run(argv)
            except HostError:
                continue  # gone in between: the mark of one control plane is enough
