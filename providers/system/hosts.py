"""Names that a machine knows without asking DNS: a marked block in /etc/hosts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core.files_on_host import rewrite, text_or_none
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences

FILE = "/etc/hosts"
_ASK: Argv = ("cat", FILE)
_BEGIN = "# BEGIN helicon: what is changed between these marks is lost"
_END = "# END helicon"
_BLOCK = re.compile(rf"^# BEGIN helicon\b[^\n]*\n(.*?)^{_END}(?:\n|\Z)", re.MULTILINE | re.DOTALL)
_STRAY = re.compile(rf"^(# BEGIN helicon\b[^\n]*|{_END})(?:\n|\Z)", re.MULTILINE)

Names = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HostsState:
    """Names by address, the first the canonical one; None where the block has no such address."""

    entries: dict[str, Names | None] = field(default_factory=dict)


class Hosts(Thing[HostsState]):
    """The block stands first in the file, since the first line that fits wins; the other lines stay."""

    name = "hosts"

    def parse(self, value: Json) -> HostsState:
        """From {"address": ["name", ...]}."""
        given = cast(dict[str, list[str] | str], value)
        return HostsState(
            entries={address: None if isinstance(one, str) else tuple(one) for address, one in given.items()}
        )

    def render(self, state: HostsState) -> Json:
        """To the same."""
        return {address: ABSENT if one is None else list(one) for address, one in state.entries.items()}

    def questions(self, managed: HostsState) -> Sequence[Argv]:
        """The file."""
        return [_ASK]

    def observe(self, site: Site, managed: HostsState) -> HostsState:
        """What the block says of the managed addresses."""
        found = parse_block(_text(site))
        return HostsState(entries={address: found.get(address) for address in managed.entries})

    def plan(self, current: HostsState, desired: HostsState) -> list[Change]:
        """One change for each address."""
        return differences(current.entries, desired.entries)

    def apply(self, site: Site, changes: Sequence[Change], desired: HostsState) -> None:
        """Write the block anew."""
        site.journal.keep_files([FILE])
        text = _text(site)
        entries = {**parse_block(text), **{key: one for key, one in desired.entries.items() if one}}
        rewrite(site, FILE, with_block(text, entries))

    def remove(self, site: Site, managed: HostsState) -> None:
        """Take the addresses out; the last one takes the block along, and all is as it was."""
        text = _text(site)
        left = {key: one for key, one in parse_block(text).items() if key not in managed.entries}
        rest = with_block(text, left)
        if left:
            rewrite(site, FILE, rest)
            return
        if rest and rest != text:
            rewrite(site, FILE, rest)
        if rest:
            site.journal.forget_files([FILE])
        else:
            site.journal.restore_files([FILE])

    def minus(self, old: HostsState, new: HostsState) -> HostsState | None:
        """The addresses that are no longer listed."""
        gone = {address: one for address, one in old.entries.items() if address not in new.entries}
        return HostsState(entries=gone) if gone else None


def parse_block(text: str) -> dict[str, Names]:
    """Names by address, of the lines between the marks."""
    block = _BLOCK.search(text)
    lines = [line.partition("#")[0].split() for line in block.group(1).splitlines()] if block else []
    return {words[0]: tuple(words[1:]) for words in lines if len(words) > 1}


def with_block(text: str, entries: Mapping[str, Names]) -> str:
    """The text with this block as its beginning, and no other."""
    rest = _STRAY.sub("", _BLOCK.sub("", text))
    if not entries:
        return rest
    lines = [f"{address}\t{' '.join(names)}" for address, names in sorted(entries.items())]
    return "".join(f"{line}\n" for line in [_BEGIN, *lines, _END]) + rest


def _text(site: Site) -> str:
    (answer,) = site.host.ask([_ASK])
    return text_or_none(answer) or ""
