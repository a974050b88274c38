"""The formed cluster: its API answers through the endpoint, and leaving it has rules from now on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from providers.core.errors import HostError, Unobservable
from providers.core.thing import Rack
from providers.membership.admin import ADMIN_CONF, FORMED, find_admin, peers

WAIT = 300.0
"""Seconds for the endpoint to answer after the control planes have joined."""


def form(rack: Rack, wanted: Mapping[str, Any]) -> None:
    """Wait until the API answers through the endpoint, then mark the control planes."""
    deadline = time.monotonic() + WAIT
    while True:
        try:
            admin = find_admin(rack)
            break
        except Unobservable:
            if time.monotonic() > deadline:
                raise
            time.sleep(2)
    # admin.conf points at the endpoint, so its answer came through the load balancer
    admin.kubectl("get", "--raw", "/readyz")
    _on_each(rack, ["sh", "-c", f"[ ! -e {ADMIN_CONF} ] || touch {FORMED}"])


def dissolve(rack: Rack) -> None:
    """Take the mark off every control plane: what follows is a teardown."""
    _on_each(rack, ["rm", "-f", FORMED])


def _on_each(rack: Rack, argv: list[str]) -> None:
    for peer in peers(rack):
        if peer.error is None:
            try:
                peer.host.run(argv)
            except HostError:
                continue  # gone in between: the mark of one control plane is enough
