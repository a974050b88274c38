"""A machine started anew: one control plane after the other, and each seen to be back."""

from __future__ import annotations

import contextlib
import time

from providers.core.errors import (
    CommandFailed,
    ConnectionDropped,
    CredentialsRefused,
    HostError,
    Refused,
    Unreachable,
)
from providers.core.thing import Site
from providers.membership.admin import Peer, becomes_ready, missing
from providers.membership.joining import TURN

BOOT_ID = "/proc/sys/kernel/random/boot_id"
DEADLINE = 900.0
"""Seconds for a machine to be back: a slow board may check an SD card of 128 GB first."""
PEERS_WAIT = 600.0
"""Seconds for the other control planes to be ready, before this one goes down."""
SETTLE = 180.0
"""Seconds for what starts with the machine."""
POLL = 3.0

# The order must outlive the connection that it came by; a session's own processes may not.
_RESTART = """
sync
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
  exec systemd-run --quiet --on-active=2 --timer-property=AccuracySec=100ms systemctl reboot
fi
setsid sh -c 'sleep 2; reboot' >/dev/null 2>&1 </dev/null &
"""


def restart(site: Site) -> None:
    """Start the machine anew and wait for it; a control plane only while all others are ready."""
    if not Peer(site.host).member:
        _start_anew(site)
        return
    with TURN:
        _await_peers(site)
        _start_anew(site)
        _await_own_api(site)


def _await_peers(site: Site) -> None:
    deadline = time.monotonic() + PEERS_WAIT
    while True:
        away = missing(site.rack, without=site.host.name)
        if not away:
            return
        if time.monotonic() > deadline:
            raise Refused(
                host=str(site.host),
                item="restart of a control plane",
                expected="all other control planes ready, so that etcd keeps its quorum",
                found=", ".join(
                    f"{peer.host.name} {'unreachable' if peer.error else 'not ready'}" for peer in away
                ),
                next_step="bring them up, or remove them from the stack file, then pulumi up again",
            )
        site.say(f"restart: waiting for {', '.join(peer.host.name for peer in away)}")
        time.sleep(POLL)


def _start_anew(site: Site) -> None:
    before = site.host.run(["cat", BOOT_ID]).text
    site.say("restarting")
    with contextlib.suppress(ConnectionDropped):  # it may go down before it can say so
        site.host.run(["sh", "-c", _RESTART, "restart"])
    _await_start(site, before)
    try:
        site.host.run(["systemctl", "is-system-running", "--wait"], timeout=SETTLE, check=False)
    except CommandFailed:
        site.say("restart: the machine is back, and some of its services still start")


def _await_start(site: Site, before: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            now = site.host.run(["cat", BOOT_ID], timeout=10).text
            found = "the machine as it ran before"
        except (Unreachable, ConnectionDropped, CommandFailed, CredentialsRefused) as error:
            # going down or coming up, a machine turns users away
            now, found = before, error.found
        if now != before:
            return
        if time.monotonic() > deadline:
            raise _not_back(site, found)
        time.sleep(POLL)


def _not_back(site: Site, found: str) -> HostError:
    return Unreachable(
        host=str(site.host),
        item="restart",
        expected=f"a machine that has started anew within {DEADLINE:.0f} s",
        found=found,
        next_step="see its console; with the card in a reader, its kernel command line; then pulumi up again",
    )


def _await_own_api(site: Site) -> None:
    line = "restart: waiting for this machine's API server"
    if not becomes_ready(site.host, PEERS_WAIT, POLL, lambda: site.say(line)):
        raise HostError(
            host=str(site.host),
            item="API server after the restart",
            expected=f"ready within {PEERS_WAIT:.0f} s",
            found="not ready",
            next_step="journalctl -u kubelet -n 50 (on the machine), before the next one restarts",
        )
