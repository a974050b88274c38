"""Rules about storage: mounts and bound directories do not get in each other's way."""

from __future__ import annotations

from collections.abc import Mapping

from config.draft import Draft
from config.problems import Path, show
from config.storage import Storage


def _binds(draft: Draft) -> None:
    """A bound directory and its target are apart from each other and from all others."""
    for path, machine in draft.machines():
        for directory in machine.storage.binds:
            where = draft.origin(path, "storage", "binds", directory)
            if not draft.amiss(*where):
                _check(draft, where, directory, machine.storage)


def _check(draft: Draft, where: Path, directory: str, storage: Storage) -> None:
    target, listed = storage.binds[directory], list(storage.binds.items())
    others = dict(listed[: list(storage.binds).index(directory)])
    if directory in storage.mounts:
        _report(
            draft, where, "a directory where nothing is mounted", directory, "It is in storage.mounts, too."
        )
    elif _within(target, directory) or _within(directory, target):
        _report(draft, where, f"a place apart from {directory}", target, "Choose one on another disk.")
    elif target in storage.mounts:
        name = directory.rpartition("/")[2]
        _report(draft, where, "a directory of its own", target, f'Write "{target}/{name}".')
    elif other := _in_the_way(directory, target, others):
        _report(draft, where, f"a place apart from {other}", target, "Move one directory to one place.")


def _in_the_way(directory: str, target: str, others: Mapping[str, str]) -> str | None:
    """A directory of an earlier bind, or its target, that one of ours lies in, or the other way round."""
    for one in (*others, *others.values()):
        if any(_within(one, ours) or _within(ours, one) for ours in (directory, target)):
            return one
    return None


def _within(path: str, above: str) -> bool:
    return f"{path}/".startswith(f"{above}/")


def _report(draft: Draft, where: Path, expected: str, found: str, suggestion: str) -> None:
    draft.report(where, expected=expected, found=show(found), suggestion=suggestion)


STORAGE_RULES = (_binds,)
"""All rules about storage."""
