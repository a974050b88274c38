"""A node without its pods while it is restarted: cordoned and drained before, open again when it is Ready."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from providers.core.errors import HostError, Refused, Unobservable
from providers.core.thing import Site
from providers.membership import draining
from providers.membership.admin import Admin, find_admin

POLL = 3.0
READY_WAIT = 600.0
"""Seconds for the node to be Ready again, and for an API to answer."""


@contextmanager
def emptied(site: Site, node: str) -> Iterator[None]:
    """Cordon and drain the node, and let pods in again afterwards, unless the user had cordoned it before.

    Raises Refused when pods cannot be evicted: the node is open again then, and nothing was restarted.
    """
    admin = _admin(site)
    found = draining.node_object(admin, node)
    if found is None or len(admin.get("nodes")["items"]) < 2:
        yield  # nowhere for its pods to go
        return
    ours = not found["spec"].get("unschedulable") or _noted(site)
    if ours:
        draining.cordon(site, admin, node)
    try:
        site.say("draining")
        draining.drain(admin, found, for_good=False)
    except HostError:
        if ours:
            draining.uncordon(site, admin, node)
        raise
    yield
    if draining.is_ready(found):
        _await_ready(site, node)
    if ours:
        draining.uncordon(site, _admin(site), node)


def _noted(site: Site) -> bool:
    return site.host.run(["test", "-e", draining.CORDONED], check=False).ok


def _admin(site: Site) -> Admin:
    """An administrator, on another machine if there is one; waited for, since control planes restart too."""
    deadline = time.monotonic() + READY_WAIT
    others = [name for name in site.rack.control_planes() if name != site.host.name]
    while True:
        try:
            return find_admin(site.rack, prefer=others)
        except Unobservable as error:
            if time.monotonic() > deadline:
                raise Refused(
                    host=str(site.host),
                    item="restart of a node",
                    expected="an API that answers, to drain the node before",
                    found=error.found,
                    next_step=f"{error.next_step}; or restart it yourself: systemctl reboot (on the machine), "
                    "then pulumi up",
                ) from None
        time.sleep(POLL)


def _await_ready(site: Site, node: str) -> None:
    deadline = time.monotonic() + READY_WAIT
    while not _is_ready(site, node):
        if time.monotonic() > deadline:
            raise HostError(
                host=str(site.host),
                item="node after the restart",
                expected=f"Ready within {READY_WAIT:.0f} s",
                found="not ready; it stays cordoned",
                next_step="journalctl -u kubelet -n 50 (on the machine), then pulumi up again",
            )
        site.say("restart: waiting for the node to be Ready")
        time.sleep(POLL)


def _is_ready(site: Site, node: str) -> bool:
    found: dict[str, Any] | None = draining.node_object(_admin(site), node)
    return found is not None and draining.is_ready(found)
