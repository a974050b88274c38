"""Which kinds are waited for, and how the simple ones tell that they are ready."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from toolchain.plugins.kubernetes import pods, workloads
from toolchain.plugins.kubernetes.cluster import NoMatch, Refused, Unreachable
from toolchain.plugins.kubernetes.objects import WAIT_FOR, Object, annotation, name_of, namespace_of, pluck
from toolchain.plugins.kubernetes.readiness import Check, Progress, Wait

_SETTLE_READY, _SETTLE_EMPTY = 2.0, 10.0
_NO_PODS = (
    "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not "
    "match labels on any Pods"
)
_NO_ADDRESS = "Service was not allocated an IP address; does your cloud provider support this?"


class BadWaitFor(Exception):
    """A `pulumi.com/waitFor` annotation that this plugin cannot read."""


def service(wait: Wait, live: Object, before: Object | None) -> Progress:
    """Its pods are ready: no endpoint is pending, and for a moment none came or went.

    A Service without any endpoint is ready after 10 seconds, as in the official plugin; one with ready
    endpoints after 2, where the official one waits 10 too. Headless, external and selector-less ones are
    ready at once.
    """
    spec = live.get("spec") or {}
    balanced = spec.get("type") == "LoadBalancer"
    addressed = not balanced or bool(pluck(live, "status", "loadBalancer", "ingress"))
    unaddressed = [] if addressed else [_NO_ADDRESS]
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
        return Progress(ready=addressed, problems=unaddressed)
    ready, pending, version = _endpoints(wait, live)
    settled = _settled(wait, version) >= (_SETTLE_READY if ready else _SETTLE_EMPTY)
    status = "[1/3] Finding Pods to direct traffic to"
    if settled and ready:
        status = "[2/3] Attempting to allocate IP address to Service"
    serves = addressed and not pending
    problems = ([] if ready else [_NO_PODS]) + unaddressed
    return Progress(ready=serves and settled, status=status, problems=problems, acceptable=serves)


def _endpoints(wait: Wait, live: Object) -> tuple[int, int, str]:
    """Return how many endpoints are ready, how many are not, and the version of that answer."""
    like = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"namespace": namespace_of(live)}}
    try:
        found = wait.cluster.get(like, name_of(live))
    except (Refused, NoMatch, Unreachable):
        return 0, 0, ""
    subsets = found.get("subsets") or []
    ready = sum(len(one.get("addresses") or []) for one in subsets)
    pending = sum(len(one.get("notReadyAddresses") or []) for one in subsets)
    return ready, pending, json.dumps(subsets, sort_keys=True)


def _settled(wait: Wait, version: str) -> float:
    """Return for how many seconds the answer has been the same."""
    now = time.monotonic()
    since = wait.settled.setdefault(version, now)
    for other in [known for known in wait.settled if known != version]:
        del wait.settled[other]
    return now - since


def _by_condition(kind: str, expected: str = "True") -> Check:
    """Return a check for one status condition."""

    def check(wait: Wait, live: Object, before: Object | None) -> Progress:
        found = pods.condition(live, kind)
        text = f"Waiting for condition {kind}={expected}"
        if found.get("message"):
            text += f": {found['message']}"
        return Progress(ready=found.get("status") == expected, status=text, problems=[text])

    return check


def _by_phase(*phases: str) -> Check:
    def check(wait: Wait, live: Object, before: Object | None) -> Progress:
        phase = pluck(live, "status", "phase")
        text = f"Waiting for phase {' or '.join(phases)}, found {phase or 'none'}"
        return Progress(ready=phase in phases, status=text, problems=[text])

    return check


def _claim(wait: Wait, live: Object, before: Object | None) -> Progress:
    """Bound, or pending where the storage class binds a claim only once a pod uses it."""
    if pluck(live, "status", "phase") == "Pending" and before is None and _binds_late(wait, live):
        return Progress(ready=True)
    return _by_phase("Bound")(wait, live, before)


def _binds_late(wait: Wait, live: Object) -> bool:
    like = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
    try:
        found = wait.cluster.get(like, str(pluck(live, "spec", "storageClassName")))
    except (Refused, NoMatch, Unreachable):
        return False
    return bool(found.get("volumeBindingMode") == "WaitForFirstConsumer")


def _token(wait: Wait, live: Object, before: Object | None) -> Progress:
    """Any Secret is ready at once but the token of a service account, which a controller fills in."""
    filled = live.get("type") != "kubernetes.io/service-account-token" or bool(live.get("data"))
    return Progress(ready=filled, status="Waiting for the token of the service account")


def _quota(wait: Wait, live: Object, before: Object | None) -> Progress:
    counted = pluck(live, "spec", "hard") == pluck(live, "status", "hard")
    return Progress(ready=counted, status="Waiting for the quota to be counted")


_CHECKS: dict[tuple[str, str], Check] = {
    ("apps/v1", "DaemonSet"): workloads.daemon_set,
    ("apps/v1", "Deployment"): workloads.deployment,
    ("apps/v1", "StatefulSet"): workloads.stateful_set,
    ("batch/v1", "Job"): pods.job,
    ("v1", "PersistentVolume"): _by_phase("Available", "Bound"),
    ("v1", "PersistentVolumeClaim"): _claim,
    ("v1", "Pod"): pods.pod,
    ("v1", "ResourceQuota"): _quota,
    ("v1", "Secret"): _token,
    ("v1", "Service"): service,
    # The official plugin does not wait for these two; what needs them fails or retries there.
    ("apiregistration.k8s.io/v1", "APIService"): _by_condition("Available"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): _by_condition("Established"),
}
READ_TOO = frozenset({"DaemonSet", "Deployment", "StatefulSet", "Job", "Pod", "Service"})
"""Kinds whose readiness a refresh looks at too."""


def check_for(inputs: Object) -> Check | None:
    """Return how to tell that an object is ready; None for kinds that are ready when they exist."""
    wanted = annotation(inputs, WAIT_FOR)
    if wanted:
        return _all([_custom(text) for text in _expressions(wanted)])
    return _CHECKS.get((str(inputs.get("apiVersion")), str(inputs.get("kind"))))


def _expressions(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    return [str(one) for one in found] if isinstance(found, list) else [text]


def _custom(text: str) -> Check:
    how, _, rest = text.partition("=")
    if how == "condition" and rest:
        kind, _, status = rest.partition("=")
        return _by_condition(kind, status or "True")
    if how == "jsonpath" and rest.startswith("{."):
        path, _, expected = rest.partition("=")
        return _by_path(path[2:].rstrip("}").split("."), expected or None)
    raise BadWaitFor(f'{WAIT_FOR}: expected "condition=TYPE" or "jsonpath={{.path}}[=value]", found "{text}"')


def _by_path(path: list[str], expected: str | None) -> Check:
    def check(wait: Wait, live: Object, before: Object | None) -> Progress:
        found = pluck(live, *path)
        ready = found is not None if expected is None else str(found) == expected
        return Progress(ready=ready, status=f"Waiting for .{'.'.join(path)}, found {found}")

    return check


def _all(checks: list[Callable[[Wait, Object, Object | None], Progress]]) -> Check:
    def check(wait: Wait, live: Object, before: Object | None) -> Progress:
        found = [one(wait, live, before) for one in checks]
        return next((one for one in found if not one.ready), Progress(ready=True))

    return check
