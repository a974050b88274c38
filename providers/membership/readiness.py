"""Proof that the cluster works: nodes, system pods, a service IP and DNS, asked from every node."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from providers.core.errors import StillDiffers, Unobservable
from providers.core.thing import Rack
from providers.membership.admin import Admin, find_admin

POLL = 2.0
PROBE = "helicon-readiness"
Say = Callable[[str], None]


def verify(rack: Rack, wanted: Mapping[str, Any], say: Say = lambda line: None) -> None:
    """Wait until all is ready, to the deadline `timeout` (seconds).

    `wanted` holds `nodes` (names), `probe_image`, `service_ip`, `dns_name` and `timeout`.
    Raises StillDiffers with all that is missing.
    """
    deadline = time.monotonic() + float(wanted["timeout"])
    nodes = sorted(wanted["nodes"])
    _wait("nodes", lambda admin: unready_nodes(admin.get("nodes")["items"], nodes), rack, deadline, say)
    with _probing(rack, wanted):
        _wait("system pods", lambda admin: unready_pods(_system_pods(admin)), rack, deadline, say)
        _wait("service IP and DNS on", lambda admin: _silent(admin, nodes), rack, deadline, say)


def _wait(
    what: str, missing: Callable[[Admin], Sequence[str]], rack: Rack, deadline: float, say: Say
) -> None:
    shown: Sequence[str] = ()
    while True:
        try:
            left = missing(find_admin(rack))
        except Unobservable as error:
            left = [error.found]
        if not left:
            return
        if list(left) != list(shown):
            say(f"waiting for {what}: {', '.join(left[:4])}")
        shown = left
        if time.monotonic() > deadline:
            raise _not_ready(what, left)
        time.sleep(POLL)


def _not_ready(what: str, left: Sequence[str]) -> StillDiffers:
    return StillDiffers(
        host="cluster",
        item=what,
        expected="all ready",
        found="; ".join(left),
        next_step="kubectl --kubeconfig kubeconfig get nodes,pods -A -o wide",
    )


def _system_pods(admin: Admin) -> list[dict[str, Any]]:
    items = admin.get("pods", "-A")["items"]
    system = ("kube-system", "kube-flannel")
    return [pod for pod in items if pod["metadata"]["namespace"] in system]


def unready_nodes(items: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> list[str]:
    """Names of wanted nodes that are missing or not Ready."""
    ready = {node["metadata"]["name"] for node in items if _condition(node, "Ready")}
    return [name for name in wanted if name not in ready]


def unready_pods(items: Sequence[Mapping[str, Any]]) -> list[str]:
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


def _silent(admin: Admin, nodes: Sequence[str]) -> list[str]:
    pods = admin.get("pods", "-n", "kube-system", "-l", f"app={PROBE}")["items"]
    answered = {pod["spec"].get("nodeName") for pod in pods if _condition(pod, "Ready")}
    return [name for name in nodes if name not in answered]


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
