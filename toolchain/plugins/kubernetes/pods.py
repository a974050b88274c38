"""Readiness of pods and jobs, and what pods say about why they are not."""

from __future__ import annotations

from typing import Any

from toolchain.plugins.kubernetes.cluster import NoMatch, Refused, Unreachable
from toolchain.plugins.kubernetes.objects import Object, name_of, namespace_of, pluck
from toolchain.plugins.kubernetes.readiness import Progress, Wait

_FAILED_FOR_GOOD = ("BackoffLimitExceeded", "DeadlineExceeded")


def condition(obj: Object, kind: str) -> Object:
    """Return the status condition of this type, or an empty one."""
    conditions = pluck(obj, "status", "conditions") or []
    return next((one for one in conditions if one.get("type") == kind), {})


def is_true(obj: Object, kind: str) -> bool:
    """Whether the object has this condition with the status True."""
    return bool(condition(obj, kind).get("status") == "True")


def pod(wait: Wait, live: Object, before: Object | None) -> Progress:
    """Scheduled, initialized, then ready; a pod that has succeeded counts as ready."""
    for kind, verb in (("PodScheduled", "scheduled"), ("Initialized", "initialized"), ("Ready", "ready")):
        done = is_true(live, kind) or (kind == "Ready" and pluck(live, "status", "phase") == "Succeeded")
        if not done:
            status = f'Waiting for Pod "{_full_name(live)}" to be {verb}'
            return Progress(ready=False, status=status, problems=_complaints(live, kind))
    return Progress(ready=True)


def job(wait: Wait, live: Object, before: Object | None) -> Progress:
    """Started, then complete; a job that has used up its tries or its time has failed."""
    status = live.get("status") or {}
    failed = condition(live, "Failed")
    if failed.get("status") == "True" and failed.get("reason") in _FAILED_FOR_GOOD:
        reason = f"[{failed['reason']}] {failed.get('message', '')}"
        return Progress(ready=False, problems=[reason, *complaints_of(wait, live)], failed=True)
    if not status.get("startTime"):
        return Progress(ready=False, status=f'Waiting for Job "{_full_name(live)}" to start')
    if is_true(live, "Complete"):
        return Progress(ready=True)
    counts = " | ".join(
        f"{word}: {status.get(word.lower(), 0)}" for word in ("Active", "Succeeded", "Failed")
    )
    text = f'Waiting for Job "{_full_name(live)}" to succeed ({counts})'
    return Progress(ready=False, status=text, problems=complaints_of(wait, live))


def complaints_of(wait: Wait, owner: Object) -> list[str]:
    """Return what the pods that an object owns say about why they are not ready; nothing when the server is
    away."""
    try:
        found = wait.cluster.items("v1", "Pod", namespace_of(owner))
    except (Refused, NoMatch, Unreachable):
        return []
    return [line for one in found if owned_by(one, owner) for line in pod(wait, one, None).problems]


def owned_by(obj: Object, owner: Object) -> bool:
    """Whether the object names the other as its owner."""
    owners = pluck(obj, "metadata", "ownerReferences") or []
    return any(one.get("uid") == pluck(owner, "metadata", "uid") for one in owners)


def _complaints(live: Object, kind: str) -> list[str]:
    found = condition(live, kind)
    message = found.get("message", "") if found.get("reason") else ""
    if kind == "PodScheduled":
        return [message] if message else []
    errors = [line for one in pluck(live, "status", "containerStatuses") or [] for line in _container(one)]
    if not message and not errors:
        return []
    return [f"[Pod {_full_name(live)}]: " + message + "\n".join(errors)]


def _container(status: Object) -> list[str]:
    """Return why one container of a pod does not run."""
    if status.get("ready"):
        return []
    lines = []
    waiting, ended = pluck(status, "state", "waiting"), pluck(status, "state", "terminated")
    if waiting and waiting.get("reason") != "ContainerCreating":
        lines.append(f"[{waiting.get('reason', '')}] {waiting.get('message', '')}")
    if ended and ended.get("reason"):
        lines.append(_ended(status["name"], ended))
    last: Any = pluck(status, "lastState", "terminated")
    if last:
        lines.append(
            f'container "{status["name"]}" terminated at {last.get("finishedAt")} '
            f"({last.get('reason')}: exit code {last.get('exitCode')})"
        )
    return lines


def _ended(name: str, ended: Object) -> str:
    if ended.get("message"):
        return f"[{ended['reason']}] {ended['message']}"
    return f'container "{name}" completed with exit code {ended.get("exitCode")}'


def _full_name(obj: Object) -> str:
    namespace = namespace_of(obj)
    return name_of(obj) if namespace in ("", "default") else f"{namespace}/{name_of(obj)}"
