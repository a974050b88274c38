"""Proof that the cluster works: nodes, system pods, a service IP and DNS, asked from every node."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from providers.core.errors import HostError, StillDiffers
from providers.core.thing import Rack
from providers.membership.admin import Admin, find_admin

POLL = 0.5
"""Seconds from one look to the next at least."""
PATIENCE = "10s"
"""How long the API is asked to tell of a change; what it cannot tell of is looked at so often."""
PROBE = "helicon-readiness"
_PODS = ("pod", "--namespace", "kube-system", "--all")
Say = Callable[[str], None]


def verify(rack: Rack, wanted: Mapping[str, Any], say: Say = lambda line: None) -> None:
    """Wait until all is ready, to the deadline `timeout` (seconds).

    `wanted` holds `nodes` (names), `probe_image`, `service_ip`, `dns_name` and `timeout`.
    Raises StillDiffers with all that is missing.
    """
    deadline = time.monotonic() + float(wanted["timeout"])
    nodes = sorted(wanted["nodes"])
    _wait("nodes", lambda admin: _unready(admin, nodes), ["node", *nodes], rack, deadline, say)
    with _probing(rack, wanted):
        _wait("system pods", lambda admin: _unproven(admin, nodes), _PODS, rack, deadline, say)


def _wait(
    what: str,
    missing: Callable[[Admin], Sequence[str]],
    things: Sequence[str],
    rack: Rack,
    deadline: float,
    say: Say,
) -> None:
    """Until nothing is missing; between two looks the API is asked to tell when `things` are Ready."""
    admin: Admin | None = None
    shown: Sequence[str] = ()
    while True:
        try:
            admin = admin or find_admin(rack)
            left = missing(admin)
        except HostError as error:
            admin, left = None, [error.found]
        if not left:
            return
        if list(left) != list(shown):
            say(f"waiting for {what}: {', '.join(left[:4])}")
        shown = left
        if time.monotonic() > deadline:
            raise _not_ready(what, left)
        next_look = time.monotonic() + POLL
        if admin is not None:
            _wait_for_news(admin, things)
        time.sleep(max(0.0, next_look - time.monotonic()))


def _wait_for_news(admin: Admin, things: Sequence[str]) -> None:
    asked = ("wait", "--for=condition=Ready", f"--timeout={PATIENCE}", *things)
    with suppress(HostError):
        admin.kubectl(*asked, check=False)


def _not_ready(what: str, left: Sequence[str]) -> StillDiffers:
    return StillDiffers(
        host="cluster",
        item=what,
        expected="all ready",
        found="; ".join(left),
        next_step="kubectl --kubeconfig kubeconfig get nodes,pods -A -o wide",
    )


def _unready(admin: Admin, nodes: Sequence[str]) -> list[str]:
    return unready_nodes(admin.get("nodes")["items"], nodes)


def _unproven(admin: Admin, nodes: Sequence[str]) -> list[str]:
    """System pods that are not ready, and nodes from which DNS and the service IP have not answered."""
    system = ("kube-system", "kube-flannel")
    items = [pod for pod in admin.get("pods", "-A")["items"] if pod["metadata"]["namespace"] in system]
    probes = [pod for pod in items if pod["metadata"].get("labels", {}).get("app") == PROBE]
    answered = {pod["spec"].get("nodeName") for pod in probes if _condition(pod, "Ready")}
    silent = [f"service IP and DNS on {name}" for name in nodes if name not in answered]
    return unready_pods(pod for pod in items if pod not in probes) + silent


def unready_nodes(items: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> list[str]:
    """Names of wanted nodes that are missing or not Ready."""
    ready = {node["metadata"]["name"] for node in items if _condition(node, "Ready")}
    return [name for name in wanted if name not in ready]


def unready_pods(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of pods that are neither ready nor done."""
    return [
        str(pod["metadata"]["name"])
        for pod in items
        if not _condition(pod, "Ready") and pod.get("status", {}).get("phase") != "Succeeded"
    ]


def _condition(thing: Mapping[str, Any], kind: str) -> bool:
    conditions = thing.get("status", {}).get("conditions", [])
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)


@contextmanager
def _probing(rack: Rack, wanted: Mapping[str, Any]) -> Iterator[None]:
    """The probe's pods, which come up beside the system's, and go whatever is found."""
    admin = find_admin(rack)
    document = json.dumps(probe_daemonset(wanted)).encode()
    admin.kubectl("apply", "-f", "-", stdin=document)
    try:
        yield
    finally:
        admin.kubectl("-n", "kube-system", "delete", "daemonset", PROBE, "--wait=false", check=False)


def probe_daemonset(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A pod on each node that is ready when DNS and the API's service IP answer from it."""
    ask = f"nslookup {wanted['dns_name']} && nc -w 3 {wanted['service_ip']} 443 </dev/null"
    container = {
        "name": "probe",
        "image": wanted["probe_image"],
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "3600"],
        "readinessProbe": {"exec": {"command": ["sh", "-c", ask]}, "periodSeconds": 2, "timeoutSeconds": 8},
    }
    labels = {"app": PROBE}
    pod = {
        "tolerations": [{"operator": "Exists"}],
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": PROBE, "namespace": "kube-system"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
