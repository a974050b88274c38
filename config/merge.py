"""Plain data: taking it apart, checking that it is plain, merging defaults with what a machine says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from config.problems import Path, Problem, show

DEEPEST = 24
"""Nesting beyond this is a mistake (an alias that contains itself)."""
LARGEST = 2**53
"""Whole numbers beyond this change on their way through JSON."""
Plain = dict[str, JsonValue]


def merged(below: Mapping[str, JsonValue], above: Mapping[str, JsonValue]) -> Plain:
    """Both mappings, `above` winning; mappings inside merge in the same way, lists and all else replace."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            result[key] = merged(under, value)
        else:
            result[key] = value
    return result


def has(data: JsonValue, path: Sequence[str | int]) -> bool:
    """Whether something stands at the path."""
    for step in path:
        if isinstance(data, dict) and step in data:
            data = data[str(step)]
            continue
        if not isinstance(data, list) or not isinstance(step, int) or step >= len(data):
            return False
        data = data[step]
    return True


def pruned(data: JsonValue, path: Sequence[str | int]) -> JsonValue:
    """The data without what stands at the path; the data itself where nothing does."""
    if not path or not has(data, path):
        return data
    step, rest = path[0], path[1:]
    if isinstance(data, dict):
        kept = {key: value for key, value in data.items() if key != step}
        return data | {str(step): pruned(data[str(step)], rest)} if rest else kept
    assert isinstance(data, list) and isinstance(step, int)
    return [
        pruned(value, rest) if at == step else value for at, value in enumerate(data) if rest or at != step
    ]


def plain(value: object, path: Path, problems: list[Problem]) -> JsonValue:
    """The value as JSON knows it; what cannot stand there is left out (null) and reported."""
    if len(path) > DEEPEST:
        return _left_out(
            problems, path, "at most 24 levels", "more", "Remove the alias that contains itself."
        )
    if isinstance(value, Mapping):
        return dict(_entries(value, path, problems))
    if isinstance(value, (list, tuple)):
        return [plain(item, (*path, at), problems) for at, item in enumerate(value)]
    if isinstance(value, str):
        return _text(value, path, problems)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and math.isfinite(value) and abs(value) <= LARGEST:
        return value
    if isinstance(value, (int, float)):
        return _left_out(problems, path, "a number", "one that JSON cannot hold", "Put quotes around it.")
    suggestion = "Put quotes around it if it is meant as text."
    return _left_out(problems, path, "text, number, true/false, list or mapping", show(value), suggestion)


def _entries(
    value: Mapping[object, object], path: Path, problems: list[Problem]
) -> Iterator[tuple[str, JsonValue]]:
    for key, item in value.items():
        if isinstance(key, str) and _encodable(key):
            yield key, plain(item, (*path, key), problems)
        else:
            _left_out(problems, path, "text as keys", show(key), f'Put quotes around the key: "{key!s}".')


def _encodable(text: str) -> bool:
    return text.isascii() or text.encode("utf-8", "ignore").decode() == text


def _text(value: str, path: Path, problems: list[Problem]) -> JsonValue:
    if not _encodable(value):
        return _left_out(problems, path, "text", "characters that UTF-8 cannot hold", "Write them again.")
    if "PRIVATE KEY-----" in value:
        suggestion = "Keep it in a file and write its path: what stands here is copied into the state."
        return _left_out(problems, path, "no key material", "a private key (hidden)", suggestion)
    return value


def _left_out(problems: list[Problem], path: Path, expected: str, found: str, suggestion: str) -> JsonValue:
    problems.append(Problem(path=path, expected=expected, found=found, suggestion=suggestion))
    return None
