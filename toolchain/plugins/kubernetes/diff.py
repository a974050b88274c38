"""Diff: the live object, pruned to what was asked for, against what is asked for now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.kubernetes import changes, immutable
from toolchain.plugins.kubernetes.check import is_named
from toolchain.plugins.kubernetes.normalize import normalized
from toolchain.plugins.kubernetes.objects import (
    AUTONAMED,
    Object,
    annotation,
    name_of,
    namespace_of,
    plain,
    pluck,
    prune,
    set_metadata,
)  # fmt: skip
from toolchain.plugins.kubernetes.state import parts
from toolchain.plugins.values import is_unknown

_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|\.?([^.\[\]]+)')


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Paths that differ with their kind, those that replace, and whether the old object must go first."""

    paths: dict[str, str]
    replaces: tuple[str, ...]
    delete_first: bool


def difference(
    state: dict[str, Any],
    news: dict[str, Any],
    *,
    namespaced: bool,
    unchangeable: tuple[str, ...],
    ignored: list[str],
) -> Difference:
    """Compare a resource's state with its checked inputs; no server is asked."""
    old_inputs, live = parts(state)
    wanted = normalized(plain(news))
    there = prune(live, normalized(old_inputs))
    _align(there, wanted, live, namespaced)
    found = changes.compare(there, wanted, unchangeable)
    found = {path: kind for path, kind in found.items() if not any(_within(path, one) for one in ignored)}
    replaces = tuple(path for path, kind in found.items() if _replaces(path, kind))
    return Difference(
        paths=found, replaces=replaces, delete_first=bool(replaces) and _same_place(wanted, live)
    )


def _replaces(path: str, kind: str) -> bool:
    return kind.endswith("_REPLACE") or (path == "metadata" and kind == "DELETE")


def _align(there: Object, wanted: Object, live: Object, namespaced: bool) -> None:
    """Even out what differs in writing only: the default namespace, a name that was made up, a stale
    version."""
    for obj in (there, wanted):
        if not is_unknown(pluck(obj, "metadata", "namespace")):
            set_metadata(obj, "namespace", (namespace_of(obj) or "default") if namespaced else "")
    if name_of(wanted):
        set_metadata(there, "name", name_of(live))
    set_metadata(there, "resourceVersion", "")
    for key in ("apiVersion", "kind"):
        there.setdefault(key, wanted.get(key))


def _same_place(wanted: Object, live: Object) -> bool:
    """Whether the new object would collide with the old: same name (given by the user), same namespace."""
    given = is_named(wanted) and annotation(wanted, AUTONAMED) != "true"
    return given and name_of(wanted) == name_of(live) and namespace_of(wanted) == namespace_of(live)


def _within(path: str, ignored: str) -> bool:
    """Whether the path is the ignored one or lies below it (`[*]` stands for any element)."""
    outer, inner = _steps(ignored), _steps(path)
    pairs = zip(outer, inner, strict=False)
    return len(outer) <= len(inner) and all(wanted in ("*", step) for wanted, step in pairs)


def _steps(path: str) -> list[str]:
    return ["".join(groups).replace('\\"', '"') for groups in _STEP.findall(path)]


def unchangeable_fields(inputs: Object, *, patch: bool, secrets: bool, config_maps: bool) -> tuple[str, ...]:
    """Return the paths whose change replaces the resource; a patch can be moved to nothing but another
    object."""
    if patch:
        return immutable.IDENTITY
    return immutable.fields(inputs, secrets_mutable=secrets, config_maps_mutable=config_maps)
