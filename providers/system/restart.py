"""A machine started anew: one control plane after the other, and each seen to be back."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from contextlib import AbstractContextManager, nullcontext

from providers.core.errors import (
    CommandFailed,
    ConnectionDropped,
    CredentialsRefused,
    HostError,
    Unreachable,
)
from providers.core.thing import Site
from providers.membership.admin import ADMIN_CONF, KUBELET_CONF, Peer, becomes_ready
from providers.membership.turns import turn
from providers.system.emptied import emptied

_WORKERS, _BALANCERS = threading.Lock(), threading.Lock()
"""Courtesy within one run: pods have somewhere to go, and the endpoint another machine."""
_ROLE = f"""
if [ -e {ADMIN_CONF} ]; then echo control-plane
elif [ -e {KUBELET_CONF} ]; then echo worker
elif systemctl is-active haproxy.service >/dev/null || systemctl is-active keepalived.service >/dev/null
then echo load-balancer
else echo none; fi
cat /var/lib/helicon/membership.json 2>/dev/null; exit 0
"""
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
    """Start the machine anew and wait for it.

    A member of a cluster is drained first: a control plane in its turn and only while all others are
    ready, workers one at a time. Load balancers go one at a time; whatever has no part in a running
    cluster, at once.
    """
    role, _, record = site.host.run(["sh", "-c", _ROLE, "role"]).text.partition("\n")
    node = str(json.loads(record)["node_name"]) if record else site.host.name
    if role == "control-plane":
        with turn(site, "restart", PEERS_WAIT, POLL), _emptied_where_possible(site, node):
            start_anew(site)
            _await_own_api(site)
    elif role == "worker":
        with _WORKERS, emptied(site, node):
            start_anew(site)
    elif role == "load-balancer":
        with _BALANCERS:
            start_anew(site)
    else:
        start_anew(site)


def _emptied_where_possible(site: Site, node: str) -> AbstractContextManager[None]:
    """A control plane that is alone and whose API is down may need the restart to be ready at all."""
    alone = all(name == site.host.name for name in site.rack.control_planes())
    return nullcontext() if alone and not Peer(site.host).ready else emptied(site, node)


def start_anew(site: Site) -> None:
    """Start the machine anew and wait until it has, whatever part it has in a cluster."""
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
