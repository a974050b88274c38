"""Comparison of what is there with what is asked for, as the property paths of a detailed diff."""

from __future__ import annotations

import re
from typing import Any

from toolchain.plugins.kubernetes.immutable import Path, forces
from toolchain.plugins.kubernetes.objects import Object
from toolchain.plugins.values import is_unknown

_MISSING = object()
_QUOTED = re.compile(r'[."\[\]]')
_REPLACING = {"ADD": "ADD_REPLACE", "DELETE": "DELETE_REPLACE", "UPDATE": "UPDATE_REPLACE"}


def compare(there: Object, wanted: Object, immutable: tuple[str, ...]) -> dict[str, str]:
    """Return property path => kind of difference (`ADD`, `UPDATE_REPLACE`, …) between two objects."""
    found: dict[str, str] = {}
    for path, kind, value in _differences((), there, wanted):
        replaces = any(forces(pattern, path, value) for pattern in immutable)
        found[render(path)] = _REPLACING[kind] if replaces else kind
    return found


def render(path: Path) -> str:
    """Return a path as Pulumi writes it: `spec.containers[0].image`, `metadata.labels["a.b/c"]`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif _QUOTED.search(key):
            escaped = key.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{key}" if text else key
    return text


def _differences(path: Path, old: Any, new: Any) -> list[tuple[Path, str, Any]]:
    """Return (path, kind, new value) for every difference; a value not known yet always differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        return _in_maps(path, old, new)
    if isinstance(old, list) and isinstance(new, list):
        return _in_lists(path, old, new)
    if old is _MISSING:
        return [(path, "ADD", new)]
    if new is _MISSING:
        return [(path, "DELETE", None)]
    return [] if _equal(old, new) else [(path, "UPDATE", new)]


def _in_maps(path: Path, old: Object, new: Object) -> list[tuple[Path, str, Any]]:
    found: list[tuple[Path, str, Any]] = []
    for key in [*old, *(key for key in new if key not in old)]:
        # nothing and an explicit null ask for the same
        before, after = _present(old, key), _present(new, key)
        if before is not _MISSING or after is not _MISSING:
            found += _differences((*path, key), before, after)
    return found


def _in_lists(path: Path, old: list[Any], new: list[Any]) -> list[tuple[Path, str, Any]]:
    found: list[tuple[Path, str, Any]] = []
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else _MISSING
        after = new[index] if index < len(new) else _MISSING
        found += _differences((*path, index), before, after)
    return found


def _present(values: Object, key: str) -> Any:
    value = values.get(key, _MISSING)
    return _MISSING if value is None else value


def _equal(old: Any, new: Any) -> bool:
    if is_unknown(new) or isinstance(old, bool) != isinstance(new, bool):
        return False
    return bool(old == new)
