"""Readiness of Deployments, StatefulSets and DaemonSets: the new pods run, the old ones are replaced."""

from __future__ import annotations

from toolchain.plugins.kubernetes.cluster import NoMatch, Refused, Unreachable
from toolchain.plugins.kubernetes.objects import Object, annotation, namespace_of, pluck
from toolchain.plugins.kubernetes.pods import complaints_of, condition, is_true, owned_by
from toolchain.plugins.kubernetes.readiness import Progress, Wait

_REVISION = "deployment.kubernetes.io/revision"
_NOT_LIVE = "Minimum number of live Pods was not attained"
_NOT_AVAILABLE = "Minimum number of Pods to consider the application live was not attained"
_NOT_ROLLED = "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live"


def _count(obj: Object, *path: str) -> int:
    found = pluck(obj, *path)
    return found if isinstance(found, int) else 0


def _observed(live: Object) -> bool:
    """Whether the controller has seen the object as it is now; before, its status speaks of the past."""
    return _count(live, "status", "observedGeneration") >= _count(live, "metadata", "generation")


def deployment(wait: Wait, live: Object, before: Object | None) -> Progress:
    """Available, its newest ReplicaSet complete, and the volume claims that it names bound."""
    available = is_true(live, "Available")
    if not _observed(live):
        return Progress(ready=False, problems=[_NOT_LIVE])
    newest = _replica_set(wait, live)
    wanted = _count(newest, "spec", "replicas") if newest else 1
    ready = _count(newest, "status", "readyReplicas") if newest else 0
    rolled = newest is not None and ready >= wanted
    revision, progressing = annotation(live, _REVISION), condition(live, "Progressing")
    complete = revision == "1" or (
        progressing.get("status") == "True" and progressing.get("reason") == "NewReplicaSetAvailable"
    )
    unbound = _unbound_claims(wait, live)
    if available and rolled and complete and not unbound:
        return Progress(ready=True)
    status = f"Waiting for app ReplicaSet to be available ({ready}/{wanted} Pods available)"
    problems = _reasons(live, unbound)
    problems.append(_NOT_LIVE if not available else _NOT_ROLLED if complete else _NOT_AVAILABLE)
    return Progress(
        ready=False, status=status, problems=problems + (complaints_of(wait, newest) if newest else [])
    )


def _reasons(live: Object, unbound: list[str]) -> list[str]:
    """Return what the Deployment's own conditions complain of, and the volume claims that are not bound."""
    found = [condition(live, kind) for kind in ("Progressing", "Available")]
    lines = [f"[{one['reason']}] {one.get('message', '')}" for one in found if one.get("status") == "False"]
    return lines + ([f'Failed to bind PersistentVolumeClaim(s): "{",".join(unbound)}"'] if unbound else [])


def _replica_set(wait: Wait, live: Object) -> Object | None:
    """Return the ReplicaSet of the Deployment's current revision."""
    for one in _owned_candidates(wait, live):
        if owned_by(one, live) and annotation(one, _REVISION) == annotation(live, _REVISION):
            return one
    return None


def _owned_candidates(wait: Wait, live: Object) -> list[Object]:
    try:
        return wait.cluster.items("apps/v1", "ReplicaSet", namespace_of(live))
    except (Refused, NoMatch, Unreachable):
        return []


def _unbound_claims(wait: Wait, live: Object) -> list[str]:
    volumes = pluck(live, "spec", "template", "spec", "volumes") or []
    names = [pluck(one, "persistentVolumeClaim", "claimName") for one in volumes]
    return [name for name in names if name and not _bound(wait, live, name)]


def _bound(wait: Wait, live: Object, name: str) -> bool:
    like = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": namespace_of(live)},
    }
    try:
        return bool(pluck(wait.cluster.get(like, name), "status", "phase") == "Bound")
    except (Refused, NoMatch, Unreachable):
        return False


def stateful_set(wait: Wait, live: Object, before: Object | None) -> Progress:
    """All replicas ready and of the newest revision."""
    wanted, ready = _count(live, "spec", "replicas"), _count(live, "status", "readyReplicas")
    current, target = (pluck(live, "status", key) or "" for key in ("currentRevision", "updateRevision"))
    first = _count(live, "metadata", "generation") <= 1
    by_hand = not first and pluck(live, "spec", "updateStrategy", "type") == "OnDelete"
    revision_ready = _observed(live) and (by_hand or (current != "" and current == target))
    counted = ("replicas", "readyReplicas") if by_hand else ("replicas", "readyReplicas", "currentReplicas")
    replicas_ready = _observed(live) and all(_count(live, "status", key) == wanted for key in counted)
    if revision_ready and replicas_ready:
        return Progress(ready=True)
    shown = ready if revision_ready else min(ready, _count(live, "status", "updatedReplicas"))
    status = "[2/3] Waiting for StatefulSet to update .status.currentRevision"
    if first:
        status = f"[1/2] Waiting for StatefulSet to create Pods ({shown}/{wanted} Pods ready)"
    elif not replicas_ready:
        status = f"[1/3] Waiting for StatefulSet update to roll out ({shown}/{wanted} Pods ready)"
    problems = [] if replicas_ready else [f"{shown} out of {wanted} replicas succeeded readiness checks"]
    if not revision_ready:
        text = f'StatefulSet controller failed to advance from revision "{current}" to revision "{target}"'
        problems.append(text)
    return Progress(ready=False, status=status, problems=problems + complaints_of(wait, live))


def daemon_set(wait: Wait, live: Object, before: Object | None) -> Progress:
    """A pod of the newest template scheduled, updated, available and ready on every node that should have
    one."""
    wanted = _count(live, "status", "desiredNumberScheduled")
    if not _observed(live):
        return Progress(ready=False, status="DaemonSet generation has not been observed yet")
    for label, key in (
        ("Current", "currentNumberScheduled"), ("Updated", "updatedNumberScheduled"),
        ("Available", "numberAvailable"), ("Ready", "numberReady"),
    ):  # fmt: skip
        if _count(live, "status", key) < wanted:
            status = f"{label}: {_count(live, 'status', key)}/{wanted}"
            return Progress(ready=False, status=status, problems=[status, *complaints_of(wait, live)])
    return Progress(ready=True)
