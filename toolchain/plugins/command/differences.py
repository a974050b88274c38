"""The detailed difference between two property values, as the engine's own comparison finds it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from toolchain.plugins.protocol import Secret, is_unknown

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_MISSING = object()


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """Return property path => ADD, DELETE or UPDATE; a secret that differs is one difference."""
    return dict(_in_maps("", old, new))


def _in_maps(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        place = _join(path, key)
        # a null and nothing are the same
        yield from _values(
            place, _MISSING if before is None else before, _MISSING if after is None else after
        )


def _values(path: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    if old is _MISSING and new is _MISSING:
        return
    if old is _MISSING:
        yield path, "ADD"
    elif new is _MISSING:
        yield path, "DELETE"
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from _in_maps(path, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _in_lists(path, old, new)
    elif not _same(old, new):
        yield path, "UPDATE"


def _in_lists(path: str, old: list[Any], new: list[Any]) -> Iterator[tuple[str, str]]:
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else _MISSING
        after = new[index] if index < len(new) else _MISSING
        yield from _values(f"{path}[{index}]", before, after)


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, Secret) and isinstance(new, Secret):
        return not list(_values("", old.value, new.value))
    if is_unknown(old) or is_unknown(new) or isinstance(old, bool) != isinstance(new, bool):
        return False
    return bool(old == new)


def _join(path: str, key: str) -> str:
    if not _PLAIN.fullmatch(key):
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{key}" if path else key
