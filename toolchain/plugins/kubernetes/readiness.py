"""Waiting until an object is what its inputs ask for: ready, or gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

from toolchain.plugins.kubernetes import apply
from toolchain.plugins.kubernetes.cluster import Cluster, NoMatch, Refused, Unreachable
from toolchain.plugins.kubernetes.objects import (
    SKIP_AWAIT,
    TIMEOUT,
    Object,
    annotation,
    name_of,
    pluck,
)  # fmt: skip

DEFAULT_TIMEOUT = 600.0
"""Seconds that an object has to become ready or to go, as in the official plugin."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
_DELETED_AT_ONCE = frozenset(
    {"Namespace", "Pod", "ReplicationController", "DaemonSet", "Deployment", "StatefulSet", "Job"}
)


class NotReady(Exception):
    """The object exists but is not ready: its last reading, and what keeps it."""

    def __init__(self, message: str, live: Object, reasons: list[str]) -> None:
        super().__init__(message)
        self.live, self.reasons = live, reasons


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an object is: ready, a line to show meanwhile, what keeps it.

    `failed` says that waiting longer is in vain, `acceptable` that it counts as ready once the time is up.
    """

    ready: bool
    status: str = ""
    problems: list[str] = field(default_factory=list)
    failed: bool = False
    acceptable: bool = False


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One wait: on which server, for how many seconds, telling whom, until the engine cancels.

    `settled` lets a check remember since when what it sees has not changed: seconds by a clock that never
    jumps.
    """

    cluster: Cluster
    seconds: float
    log: Callable[[str], None]
    cancelled: Event
    settled: dict[str, float] = field(default_factory=dict)


Check = Callable[[Wait, Object, Object | None], Progress]
"""Judges a live object; the third argument is the object before an update, None after a create."""


def seconds_for(timeout: float, inputs: Object) -> float:
    """Return the time to wait: the resource option, else the annotation, else the default."""
    if timeout:
        return timeout
    wanted = annotation(inputs, TIMEOUT)
    return float(wanted) if wanted.isdigit() else DEFAULT_TIMEOUT


def skips(inputs: Object) -> bool:
    """Whether the inputs ask not to wait."""
    return annotation(inputs, SKIP_AWAIT) == "true"


def until_ready(wait: Wait, live: Object, before: Object | None, check: Check) -> Object:
    """Return the object once the check is satisfied; raises NotReady."""
    deadline, shown = time.monotonic() + wait.seconds, ""
    for pause in _Pauses():
        live = _reread(wait, live)
        progress = check(wait, live, before)
        if progress.ready or (progress.acceptable and time.monotonic() >= deadline):
            return live
        if progress.status and progress.status != shown:
            wait.log(progress.status)
            shown = progress.status
        _stop_if(wait, live, progress, deadline)
        wait.cancelled.wait(min(pause, max(deadline - time.monotonic(), 0)))
    raise AssertionError("the pauses never end")


def _stop_if(wait: Wait, live: Object, progress: Progress, deadline: float) -> None:
    name = name_of(live)
    if progress.failed:
        raise NotReady(f"Resource '{name}' was created but failed to initialize", live, progress.problems)
    if wait.cancelled.is_set():
        raise NotReady(f'Resource operation was cancelled for "{name}"', live, progress.problems)
    if time.monotonic() >= deadline:
        raise NotReady(f"'{name}' timed out waiting to be Ready", live, progress.problems)


def _reread(wait: Wait, live: Object) -> Object:
    """Return the object as it is now; an outage of the server is waited out like anything else."""
    try:
        fresh = wait.cluster.get(live, name_of(live))
    except (Refused, NoMatch, Unreachable):
        return live
    return live if _generation(fresh) < _generation(live) else fresh


def _generation(obj: Object) -> int:
    found = pluck(obj, "metadata", "generation")
    return found if isinstance(found, int) else 0


class _Pauses:
    """Pauses between two looks: short at first, then a second."""

    def __init__(self) -> None:
        self._next = _FIRST_PAUSE

    def __iter__(self) -> _Pauses:
        return self

    def __next__(self) -> float:
        now, self._next = self._next, min(self._next * 2, _LONGEST_PAUSE)
        return now


def until_gone(wait: Wait, obj: Object, inputs: Object) -> None:
    """Return once the object does not exist; raises NotReady with the finalizers that keep it."""
    if skips(inputs) and obj.get("kind") in _DELETED_AT_ONCE:
        wait.log("Skipping await logic")
        return
    deadline, last = time.monotonic() + wait.seconds, obj
    for pause in _Pauses():
        fresh = _still_there(wait, obj)
        if fresh is None:
            return
        last = fresh
        if pause == _FIRST_PAUSE:
            wait.log("Resource scheduled for deletion")
        if wait.cancelled.is_set() or time.monotonic() >= deadline:
            kept = ", ".join(pluck(last, "metadata", "finalizers") or [])
            reason = f"finalizers might be preventing deletion ({kept})"
            raise NotReady("timed out waiting for the condition", last, [reason])
        wait.cancelled.wait(min(pause, max(deadline - time.monotonic(), 0)))


def _still_there(wait: Wait, obj: Object) -> Object | None:
    """Return the object while it exists; an outage of the server counts as existing."""
    try:
        fresh = wait.cluster.get(obj, name_of(obj))
    except NoMatch:
        return None
    except Refused as error:
        return None if error.not_found else obj
    except Unreachable:
        return obj
    return fresh if apply.is_same(fresh, obj) else None
