"""The user's own files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core import files_on_host
from providers.core.files_on_host import Seen, same_content
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing

Aspects = dict[str, str]
_DEFAULTS: Mapping[str, str] = {"mode": "0644", "owner": "root", "group": "root"}
_GIVE = 'set -eu; chown "$3:$4" -- "$1"; chmod "$2" -- "$1"'


@dataclass(frozen=True, kw_only=True)
class FilesState:
    """Content, mode (four digits), owner and group by path; None where there is no file."""

    files: dict[str, Aspects | None] = field(default_factory=dict)


class Files(Thing[FilesState]):
    """Files with content, mode and owner; a content that differs is shown, a long one as its digest."""

    name = "files"

    def parse(self, value: Json) -> FilesState:
        """From {"path": {"content", "mode", "owner", "group"}}."""
        given = cast(dict[str, dict[str, str] | str], value)
        files = {path: None if isinstance(one, str) else {**_DEFAULTS, **one} for path, one in given.items()}
        return FilesState(files=files)

    def render(self, state: FilesState) -> Json:
        """To the same."""
        return {path: ABSENT if one is None else dict(one) for path, one in state.files.items()}

    def questions(self, managed: FilesState) -> Sequence[Argv]:
        """All files in one question."""
        return [files_on_host.look(sorted(managed.files))] if managed.files else []

    def observe(self, site: Site, managed: FilesState) -> FilesState:
        """The files as they are."""
        found: dict[str, Seen | None] = {}
        for answer in site.host.ask(self.questions(managed)):
            found = dict(zip(sorted(managed.files), files_on_host.parse(answer.text), strict=True))
        return FilesState(files={path: _aspects(found[path], one) for path, one in managed.files.items()})

    def plan(self, current: FilesState, desired: FilesState) -> list[Change]:
        """One change for a missing file, else one for each aspect that differs."""
        return [
            change
            for path, wanted in sorted(desired.files.items())
            if wanted is not None
            for change in _changes(path, current.files.get(path), wanted)
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: FilesState) -> None:
        """Write what differs in content; of others only mode and owner change."""
        fields = {change.field for change in changes}
        wanted = {path: one for path, one in sorted(desired.files.items()) if one and _touched(path, fields)}
        site.journal.keep_files(wanted)
        new = {path: one for path, one in wanted.items() if fields & {path, f"{path}.content"}}
        files_on_host.place(site, {path: files_on_host.Placed(**one) for path, one in new.items()})
        for path, one in wanted.items():
            if path not in new:
                site.host.run(["sh", "-c", _GIVE, "give", path, one["mode"], one["owner"], one["group"]])

    def remove(self, site: Site, managed: FilesState) -> None:
        """The former files; those that were not there go, and the directories made for them."""
        site.journal.restore_files(sorted(managed.files))

    def minus(self, old: FilesState, new: FilesState) -> FilesState | None:
        """The files that are no longer listed."""
        gone = {path: one for path, one in old.files.items() if path not in new.files}
        return FilesState(files=gone) if gone else None


def _aspects(seen: Seen | None, managed: Aspects | None) -> Aspects | None:
    """What was found, in the terms of what is wanted: owners by number, a long content itself."""
    if seen is None:
        return None
    wanted = managed or {}
    content = wanted.get("content", "")
    return {
        "content": content if same_content(seen.content, content) else seen.content,
        "mode": seen.mode,
        "owner": wanted["owner"] if wanted.get("owner") in seen.owner else seen.owner[0],
        "group": wanted["group"] if wanted.get("group") in seen.group else seen.group[0],
    }


def _changes(path: str, found: Aspects | None, wanted: Aspects) -> list[Change]:
    if found is None:
        return [Change(field=path, was=None, now=files_on_host.shown(wanted["content"].encode()))]
    return [
        Change(field=f"{path}.{key}", was=found.get(key), now=files_on_host.shown(value.encode()))
        for key, value in sorted(wanted.items())
        if not same_content(found.get(key, ""), value)
    ]


def _touched(path: str, fields: set[str]) -> bool:
    return bool(fields & {path, *(f"{path}.{key}" for key in ("content", *_DEFAULTS))})
