"""Other settings for a living control plane: one at a time, only while all the others serve.

The manifests come first, the cluster's ConfigMap after: what is written there has been seen to work.
Until the end the member's record says that it is unfinished, so that a killed run is gone on with.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from providers.control_plane import manifests
from providers.control_plane.health import await_health
from providers.control_plane.live_settings import UNFINISHED, normal
from providers.control_plane.static_pods import await_others
from providers.core.errors import Refused
from providers.core.thing import Site
from providers.membership import kubeadm_config
from providers.membership.admin import Admin
from providers.membership.telling import run_phase, tell
from providers.membership.turns import TURN

MEMBERSHIP = "/var/lib/helicon/membership.json"
"""What the machine joined with, or was last changed to; written when all of it is done."""
HEALTH = 300.0
"""Seconds for this one to be healthy; more where kubeadm's own timeout is longer."""
ROLLOUT = 600.0
ANNOTATION = "helicon/configuration"
"""On kube-proxy's ConfigMap, once all its pods run with it: the digest of our part."""

_READ = f"cat {MEMBERSHIP} 2>/dev/null; exit 0"
_RECORD = (
    f"set -eu; umask 077; cat > {MEMBERSHIP}.new; sync {MEMBERSHIP}.new; mv {MEMBERSHIP}.new {MEMBERSHIP}"
)


def reconfigure(site: Site, wanted: Mapping[str, Any], fields: Sequence[str]) -> None:
    """Give a member the wanted settings; where it does not get well, it gets its former ones back."""
    with TURN:
        await_others(site)
        if renews(fields):
            manifests.stage(site, wanted)  # what kubeadm refuses has changed nothing
        before = site.host.run(["sh", "-c", _READ, "read"]).text
        _record(site, json.dumps({**json.loads(before), UNFINISHED: "settings"}, sort_keys=True))
        if renews(fields):
            _renew(site, wanted, before)
            manifests.settle(site)
        documents = tell(site.host, wanted)
        if any(one == UNFINISHED or one.startswith("kube_proxy_configuration.") for one in fields):
            _renew_kube_proxy(site, wanted, documents)


def renews(fields: Sequence[str]) -> bool:
    """Whether the static pods are to be written anew."""
    return any(one == UNFINISHED or one.startswith(("cluster.", "containers.")) for one in fields)


def _record(site: Site, text: str) -> None:
    site.host.run(["sh", "-c", _RECORD, "record"], stdin=text.encode())


def _renew(site: Site, wanted: Mapping[str, Any], before: str) -> None:
    site.say("starting the static pods with other settings")
    failed = manifests.switch(site)
    ill = [failed] if failed else await_health(site.host, wanted.get("cluster", {}), patience(wanted))
    if not ill:
        return
    site.say("not healthy: the former settings come back")
    manifests.switch(site, back=True)
    still = await_health(site.host, normal(json.loads(before)).get("cluster", {}), patience(wanted))
    _record(site, before)
    raise Refused(
        host=str(site.host),
        item="control plane settings",
        expected="healthy with what the stack file says",
        found=f"{', '.join(ill)} not healthy; with the former settings "
        + (f"{', '.join(still)} not healthy either" if still else "all is well again"),
        next_step="see what it said: journalctl -u kubelet -n 50, and /var/log/pods; then mend the stack file",
    )


def patience(wanted: Mapping[str, Any]) -> float:
    """Seconds in which a control plane has to be healthy again."""
    text = str(wanted.get("timeouts", {}).get("controlPlaneComponentHealthCheck", ""))
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    found = re.findall(r"([0-9.]+)(ms|h|m|s)", text)
    return max(HEALTH, sum(float(number) * units[unit] for number, unit in found))


def _renew_kube_proxy(site: Site, wanted: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> None:
    """Write kube-proxy's configuration and restart its pods, unless another control plane has done it."""
    admin = Admin(site.host)
    proxy = kubeadm_config.kube_proxy(wanted)
    digest = hashlib.sha256(json.dumps(proxy, sort_keys=True).encode()).hexdigest()[:16]
    kube_proxy = ("configmap", "kube-proxy", "--namespace", "kube-system")
    annotations = admin.get(*kube_proxy)["metadata"].get("annotations") or {}
    if annotations.get(ANNOTATION) == digest:
        return
    site.say("restarting kube-proxy on all nodes")
    run_phase(site.host, ["addon", "kube-proxy"], [*documents, proxy])
    daemon_set = ("daemonset/kube-proxy", "--namespace", "kube-system")
    admin.kubectl("rollout", "restart", *daemon_set)
    wait = ("rollout", "status", *daemon_set, f"--timeout={ROLLOUT:.0f}s")
    admin.kubectl(*wait, timeout=ROLLOUT + 30)
    admin.kubectl("annotate", *kube_proxy, "--overwrite", f"{ANNOTATION}={digest}")
