"""Static pods of a control plane: started anew, one control plane at a time, and never forgotten half-way.

What has to start anew is noted on the machine before the files change that it reads, so that a run
which was killed in between is made good by the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from providers.control_plane import manifests
from providers.core.errors import HostError, Refused
from providers.core.host import Argv, Completed
from providers.core.journal import ROOT
from providers.core.thing import Site
from providers.membership import turns
from providers.membership.admin import Peer, becomes_ready, missing
from providers.membership.joining import POLL
from providers.membership.turns import TURN

API_SERVER, ETCD = "kube-apiserver", "etcd"
CONTROLLER_MANAGER, SCHEDULER = "kube-controller-manager", "kube-scheduler"
CONTROL_PLANE = (ETCD, API_SERVER, CONTROLLER_MANAGER, SCHEDULER)
"""All of them, in the order in which they depend on each other."""
KUBELET = "kubelet"
"""No pod, but it reads certificates as they do, and may be named beside them."""
NOTED = f"{ROOT}/restart"
"""A directory with one file for each that has to start anew."""
NO_MEMBER = 3
WAIT = 300.0
"""Seconds until an API is ready again, here or on the others; a slow board takes two minutes."""

_PENDING = f"[ -e {ROOT}/membership.json ] || exit {NO_MEMBER}; ls {NOTED} 2>/dev/null; exit 0"
PENDING: Argv = ("sh", "-c", _PENDING, "pending")
"""What has to start anew on a member; status NO_MEMBER on a machine that is none."""
_NOTE = f'set -eu; umask 077; mkdir -p {NOTED}; cd {NOTED}; for name; do : > "$name"; done; sync -f .'
_FORGET = f'cd {NOTED} 2>/dev/null || exit 0; rm -f -- "$@"; rmdir --ignore-fail-on-non-empty {NOTED}; exit 0'


def pending(answer: Completed) -> list[str] | None:
    """The answer to PENDING: names; None on a machine that is no member."""
    return None if answer.exit_status == NO_MEMBER else answer.text.split()


def note(site: Site, names: Sequence[str]) -> None:
    """Note, before what they read is changed, that these have to start anew."""
    if names:
        site.host.run(["sh", "-c", _NOTE, "note", *names])


def restart(site: Site, names: Sequence[str], *, serves: bool = True) -> None:
    """Have the kubelet start static pods anew, and wait until they run and the API here is ready.

    Names without a manifest on the machine are passed over. Whoever calls this holds the control
    planes' turn and has seen that the others are ready. An API that did not serve before is not
    waited for. The kubelet's own turn is last: one that begins without an API takes minutes for its pods.
    """
    site.say(f"starting {', '.join(names)} anew")
    pods = [name for name in CONTROL_PLANE if name in names]
    if pods:
        failed = manifests.renew(site, pods)
        if failed:
            raise _not_back(site, "static pods", f"{', '.join(pods)} running", failed)
    if serves and {API_SERVER, ETCD} & set(pods) and not becomes_ready(site.host, WAIT, POLL):
        raise _not_back(site, "API", "ready again", f"not ready {WAIT:.0f} s after it was started anew")
    if KUBELET in names:
        site.host.run(["systemctl", "restart", KUBELET])
    site.host.run(["sh", "-c", _FORGET, "forget", *names])


def restart_in_turn(site: Site, names: Sequence[str]) -> None:
    """Start anew what is named; control planes one at a time, each while the API of all others is ready."""
    if not set(names) & set(CONTROL_PLANE):
        if names:
            restart(site, names)
        return
    with in_turn(site) as serves:
        restart(site, names, serves=serves)


@contextmanager
def in_turn(site: Site) -> Iterator[bool]:
    """The turn of a control plane, once all others are ready; whether its own API serves.

    One that does not serve waits for nobody: nothing is lost with it, and where all certificates have
    ended, all others would wait for each other.
    """
    with TURN:
        serves = Peer(site.host).ready
        if serves:
            await_others(site)
        yield serves


def await_others(site: Site) -> None:
    """Wait, holding the turn, until the API of every other control plane is ready; Refused when one is not in time."""
    turns.await_others(
        lambda: [peer.host.name for peer in missing(site.rack, without=site.host.name)],
        lambda names: site.say(f"waiting for {', '.join(names)}"),
        lambda names: _others_away(site, names),
        seconds=WAIT,
        poll=POLL,
    )


def _others_away(site: Site, names: Sequence[str]) -> Refused:
    return Refused(
        host=str(site.host),
        item="starting the control plane anew",
        expected="all others ready",
        found=f"not ready: {', '.join(names)}",
        next_step=f"bring {names[0]} up (there: journalctl -u kubelet -n 50), then pulumi up again",
    )


def _not_back(site: Site, item: str, expected: str, found: str) -> HostError:
    return HostError(
        host=str(site.host),
        item=item,
        expected=expected,
        found=found,
        next_step=f"journalctl -u kubelet -n 50 (on {site.host.name}), then pulumi up again",
    )
