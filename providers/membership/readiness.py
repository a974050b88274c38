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

POLL = 1.0
"""Seconds from one look to the next at least."""
PATIENCE = 5
"""Seconds for which the API is asked to tell that something missing has come."""
PROBE = "helicon-readiness"
_SOON = "--request-timeout=20s"
Missing = Mapping[str, Sequence[str]]
"""What is missing, in words, and how kubectl names the object that will be Ready (empty: there is none yet)."""
Say = Callable[[str], None]


def verify(rack: Rack, wanted: Mapping[str, Any], say: Say = lambda line: None) -> None:
    """Wait until all is ready, to the deadline `timeout` (seconds).

    `wanted` holds `nodes` (names), `probe_image`, `service_ip`, `dns_name` and `timeout`.
    Raises StillDiffers with all that is missing.
    """
    deadline = time.monotonic() + float(wanted["timeout"])
    nodes = sorted(wanted["nodes"])
    _wait("nodes", lambda admin: _unready(admin, nodes), rack, deadline, say)
    with _probing(rack, wanted):
        _wait("system pods and services", lambda admin: _unproven(admin, nodes), rack, deadline, say)


def _wait(what: str, look: Callable[[Admin], Missing], rack: Rack, deadline: float, say: Say) -> None:
    """Until nothing is missing; between two looks the API is asked to tell when the first of it is there."""
    admin: Admin | None = None
    shown: list[str] = []
    while True:
        try:
            admin = admin or find_admin(rack)
            missing = look(admin)
        except HostError as error:
            admin, missing = None, {f"{error.item}: {error.found}": ()}
        if not missing:
            return
        if list(missing) != shown:
            say(f"waiting for {what}: {', '.join(list(missing)[:4])}")
        shown = list(missing)
        if time.monotonic() > deadline:
            raise _not_ready(what, shown)
        next_look = time.monotonic() + POLL
        _wait_for_news(admin, next(iter(missing.values())))
        time.sleep(max(0.0, next_look - time.monotonic()))


def _wait_for_news(admin: Admin | None, thing: Sequence[str]) -> None:
    if admin is not None and thing:
        asked = ("wait", "--for=condition=Ready", f"--timeout={PATIENCE}s", *thing)
        with suppress(HostError):
            admin.kubectl(*asked, timeout=2.0 * PATIENCE, check=False)


def _not_ready(what: str, left: Sequence[str]) -> StillDiffers:
    return StillDiffers(
        host="cluster",
        item=what,
        expected="all ready",
        found="; ".join(left),
        next_step="kubectl --kubeconfig kubeconfig get nodes,pods -A -o wide",
    )


def _unready(admin: Admin, nodes: Sequence[str]) -> Missing:
    return {name: (f"node/{name}",) for name in unready_nodes(admin.get("nodes", _SOON)["items"], nodes)}


def _unproven(admin: Admin, nodes: Sequence[str]) -> Missing:
    """System pods that are not ready, and nodes from which DNS and the service IP have not answered."""
    system = ("kube-system", "kube-flannel")
    items = admin.get("pods", "-A", _SOON)["items"]
    pods = [pod for pod in items if pod["metadata"]["namespace"] in system and not _is_probe(pod)]
    probes = {str(pod["spec"].get("nodeName")): pod for pod in items if _is_probe(pod)}
    named = {pod["metadata"]["name"]: _reference(pod) for pod in pods}
    return {name: named[name] for name in unready_pods(pods)} | {
        f"service IP and DNS on {node}": _reference(probes[node]) if node in probes else ()
        for node in nodes
        if node not in probes or not _condition(probes[node], "Ready")
    }


def _is_probe(pod: Mapping[str, Any]) -> bool:
    return bool(pod["metadata"].get("labels", {}).get("app") == PROBE)


def _reference(pod: Mapping[str, Any]) -> Sequence[str]:
    return ("--namespace", pod["metadata"]["namespace"], f"pod/{pod['metadata']['name']}")


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
