"""How a machine becomes a member: by init where there is no cluster yet, else by joining a peer's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from providers.control_plane.manifests import place_patches
from providers.core.errors import HostError, Refused
from providers.core.thing import Site
from providers.membership import kubeadm_config
from providers.membership.admin import FORMED, Admin, Peer, becomes_ready, peers, recent
from providers.membership.kubeadm_reset import LOCK, reset
from providers.membership.remains import forget_member, forget_object
from providers.membership.telling import tell
from providers.membership.tokens import TOKENS
from providers.membership.turns import TURN

WAIT = 1200.0
"""Seconds a worker waits for a control plane: on slow boards, packages and images take ten minutes."""
POLL = 2.0
PAUSE = 0.25
"""Seconds between two glances at what was seen last, which cost no machine anything."""
KUBEADM_TIMEOUT = 900.0
"""Seconds for one run of kubeadm; above the sum of its own timeouts (four minutes each by default)."""

_ANONYMOUS = (
    *("kubectl", "--kubeconfig", "/dev/null", "--insecure-skip-tls-verify", "--request-timeout=5s"),
    *("--username=none", "--password=none", "get", "--raw", "/readyz", "--server"),
)
"""Whether there is an API at all: nothing of the answer is used. API servers pass over names and
passwords; without any, kubectl would ask for some, and not ask the server."""

_RUN = """
exec 9>LOCK; flock 9
umask 077; mkdir -p /run/helicon; cat > /run/helicon/kubeadm.yaml
kubeadm "$1" --config /run/helicon/kubeadm.yaml >&2; status=$?
rm -rf /run/helicon; exit $status
""".replace("LOCK", LOCK)


def become_member(site: Site, wanted: Mapping[str, Any]) -> None:
    """Init or join; a failed attempt is reset, so that the next one starts clean."""
    if wanted["role"] == "control-plane":
        with TURN:
            _form_or_join(site, wanted)
    else:
        _join(site, wanted, _wait_for_cluster(site))


def _form_or_join(site: Site, wanted: Mapping[str, Any]) -> None:
    others = peers(site.rack, without=site.host.name)
    if any(peer.member or peer.formed for peer in others):
        _join(site, wanted, _first_ready(others) or _wait_for_cluster(site))
        return
    if others and all(peer.error is not None for peer in others):
        _refuse_second_cluster(site, others, str(wanted["endpoint"]))
    site.say("kubeadm init")
    _clean(site)
    place_patches(site.host, wanted)
    _kubeadm(site, "init", kubeadm_config.init(wanted))


def _refuse_second_cluster(site: Site, others: list[Peer], endpoint: str) -> None:
    """A machine that bears the mark belonged to a cluster; the place of an empty board may have."""
    reason = "this machine belonged to a cluster"
    if not site.host.run(["test", "-e", FORMED], check=False).ok:
        reason = f"an API answers at {endpoint}"
        if not site.host.run([*_ANONYMOUS, f"https://{endpoint}"], check=False).ok:
            return
    raise Refused(
        host=str(site.host),
        item="kubeadm init",
        expected="at least one other control plane that answers",
        found=f"none, though {reason}: " + "; ".join(str(peer.error) for peer in others),
        next_step="bring the other control planes up, then pulumi up again",
    )


def _wait_for_cluster(site: Site) -> Admin:
    """An administrator of the cluster, as soon as a control plane answers."""
    deadline = time.monotonic() + WAIT
    site.say("waiting for a control plane")
    while True:
        found = peers(site.rack, without=site.host.name, look=recent)
        if admin := _first_ready(found):
            return admin
        if time.monotonic() > deadline or TURN.hopeless():
            raise _no_cluster(site, found)
        time.sleep(PAUSE)


def _first_ready(found: list[Peer]) -> Admin | None:
    return next((Admin(peer.host) for peer in found if peer.ready), None)


def _no_cluster(site: Site, found: list[Peer]) -> HostError:
    said = [
        f"{peer.host.name} {'unreachable' if peer.error else 'not ready' if peer.member else 'no member'}"
        for peer in found
    ]
    return Refused(
        host=str(site.host),
        item="kubeadm join",
        expected="a control plane that answers",
        found=", ".join(said) or "no control plane in the configuration",
        next_step="see the first error of this run, mend it, then pulumi up again",
    )


def _join(site: Site, wanted: Mapping[str, Any], admin: Admin) -> None:
    _clean(site)
    # this machine is no member, so what bears its name is left by a board that it replaces
    if wanted["role"] == "control-plane":
        forget_member(admin, str(wanted["node_name"]), str(wanted["address"]))
        tell(admin.host, wanted)  # it joins with what the cluster's ConfigMap says
        place_patches(site.host, wanted)
    forget_object(admin, str(wanted["node_name"]))
    site.say(f"kubeadm join, by {admin.host.name}")
    with TOKENS.by(admin.host) as token:
        _kubeadm(site, "join", kubeadm_config.join(wanted, token=token))
    if wanted["role"] == "control-plane":
        _await_api(site)
        if admin.host.run(["test", "-e", FORMED], check=False).ok:
            site.host.run(["touch", FORMED])


def _clean(site: Site) -> None:
    """Reset what an attempt that was killed has left, for whatever address it was."""
    if site.host.run(["test", "-e", "/etc/kubernetes/kubelet.conf"], check=False).ok:
        reset(site, moving=True)


def _kubeadm(site: Site, verb: str, config: str) -> None:
    try:
        argv = ["sh", "-c", _RUN, "kubeadm", verb]
        site.host.run(argv, stdin=config.encode(), timeout=KUBEADM_TIMEOUT)
    except HostError:
        reset(site, keep_pki=True)
        raise


def _await_api(site: Site) -> None:
    """Wait for this control plane's own API: the next one joins only when the quorum is whole again."""
    becomes_ready(site.host, WAIT / 4, POLL)
