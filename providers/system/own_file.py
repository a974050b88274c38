"""A configuration file that is ours whole: options rendered, compared as text, and a word to its reader."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from providers.core.files_on_host import text_or_none
from providers.core.host import Argv
from providers.core.options import rendered, whole
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from providers.core.writing import put_all

DIFFERS = "(differs)"
FILE, READER = "file", "reader"
"""What appears in a property only where it is amiss: the file's text, and that it was not read yet."""
NOT_READ = "(has not read the file)"


@dataclass(frozen=True, kw_only=True)
class OwnFileState:
    """The options (None: there is no file), and whether the file holds just them and was read."""

    options: dict[str, Json] | None
    differs: bool = False
    unread: bool = False


class OwnFile(Thing[OwnFileState]):
    """What things have in common that are one file of ours."""

    path: ClassVar[str]

    @abstractmethod
    def text(self, options: dict[str, Json]) -> str:
        """The file for these options."""

    @abstractmethod
    def read(self, site: Site) -> None:
        """Have the file read by whoever reads it, if that does not happen by itself."""

    @property
    def pending(self) -> str:
        """There while the reader may not have read the file: a start of the machine takes it away."""
        return f"/run/helicon.{self.name}"

    def parse(self, value: Json) -> OwnFileState:
        """From the options."""
        if value == ABSENT:
            return OwnFileState(options=None)
        given = cast(dict[str, Json], whole(value))
        options = {key: one for key, one in given.items() if key not in (FILE, READER)}
        return OwnFileState(options=options, differs=FILE in given, unread=READER in given)

    def render(self, state: OwnFileState) -> Json:
        """To the same."""
        if state.options is None:
            return ABSENT
        amiss: dict[str, Json] = {FILE: DIFFERS} if state.differs else {}
        return rendered({**state.options, **amiss, **({READER: NOT_READ} if state.unread else {})})

    def questions(self, managed: OwnFileState) -> Sequence[Argv]:
        """The file, and whether its reader still has to see it."""
        return [("cat", self.path), ("test", "-e", self.pending)]

    def observe(self, site: Site, managed: OwnFileState) -> OwnFileState:
        """The file as it is."""
        told, pending = site.host.ask(self.questions(managed))
        text = text_or_none(told)
        if text is None:
            return OwnFileState(options=None)
        options = managed.options or {}
        return OwnFileState(options=options, differs=text != self.text(options), unread=pending.ok)

    def plan(self, current: OwnFileState, desired: OwnFileState) -> list[Change]:
        """One change for a file that is missing or another, else one for each option; and the reading."""
        if desired.options is None:
            return []
        if current.options is None:
            return [Change(field=FILE, was=None, now=self.path)]
        changes = [
            Change(field=key, was=current.options.get(key), now=desired.options.get(key))
            for key in sorted({*current.options, *desired.options})
            if current.options.get(key) != desired.options.get(key)
        ]
        if current.differs:
            changes.append(Change(field=FILE, was=DIFFERS, now=self.path))
        if current.unread:
            changes.append(Change(field=READER, was=NOT_READ, now="(read)"))
        return changes

    def apply(self, site: Site, changes: Sequence[Change], desired: OwnFileState) -> None:
        """Write it, and have it read."""
        site.journal.keep_files([self.path])
        put_all(site, {self.pending: "", self.path: self.text(desired.options or {})})
        self.read(site)
        site.host.run(["rm", "-f", self.pending])

    def remove(self, site: Site, managed: OwnFileState) -> None:
        """As it was; nothing where nothing was changed."""
        told, pending = site.host.ask(self.questions(managed))
        if told.ok:
            site.host.run(["touch", self.pending])
        site.journal.restore_files([self.path])
        if told.ok or pending.ok:
            self.read(site)
            site.host.run(["rm", "-f", self.pending])

    def minus(self, old: OwnFileState, new: OwnFileState) -> OwnFileState | None:
        """Nothing: the file is written whole."""
        return None
