"""The forming cluster: its API answers through the endpoint; once formed, leaving it has rules."""

from __future__ import annotations

import time
from collections.abc import Callable

from providers.control_plane.reconfiguring import MEMBERSHIP
from providers.core.errors import HostError, Unobservable
from providers.core.thing import Rack
from providers.membership.admin import ADMIN_CONF, FORMED, Admin, find_admin, peers, recent
from providers.membership.turns import TURN

POLL = 2.0
WAIT = 300.0
"""Seconds for the endpoint to answer; longer while control planes are on their way into the cluster."""


def await_api(rack: Rack, say: Callable[[str], None]) -> None:
    """Wait until a first control plane has joined and its API answers; the others may join meanwhile.

    Raises Unobservable, naming what each control plane said, when it does not in time or the last one failed.
    """
    say("waiting for a first control plane")
    _await(lambda: _joined(find_admin(rack, look=recent)))


def form(rack: Rack) -> None:
    """Wait until the API answers through the endpoint, then mark the control planes."""
    _await(lambda: find_admin(rack, look=recent))
    _on_each(rack, ["sh", "-c", f"[ ! -e {ADMIN_CONF} ] || touch {FORMED}"])


def dissolve(rack: Rack) -> None:
    """Take the mark off every control plane: what follows is a teardown."""
    _on_each(rack, ["rm", "-f", FORMED])


def _await(look: Callable[[], object]) -> None:
    """Until there is an administrator: admin.conf points at the endpoint, so load balancers lead there."""
    deadline = time.monotonic() + WAIT
    while True:
        try:
            look()
            return
        except Unobservable:
            late = time.monotonic() > deadline and not TURN.under_way
            if late or TURN.hopeless():
                raise
            time.sleep(POLL)


def _joined(admin: Admin) -> None:
    """An API answers before kubeadm's last phases; where one of those fails, all is reset."""
    if not admin.host.run(["test", "-e", MEMBERSHIP], check=False).ok:
        raise Unobservable(
            host=str(admin.host),
            item="membership",
            expected="a control plane that has joined",
            found="one that is joining",
            next_step="see the first error of this run, mend it, then pulumi up again",
        )


def _on_each(rack: Rack, argv: list[str]) -> None:
    for peer in peers(rack):
        if peer.error is None:
            try:
                peer.host.run(argv)
            except HostError:
                continue  # gone in between: the mark of one control plane is enough
