"""The keyboard of the console, for whoever has to plug one in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core import assignments
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences

DEBIANS, OTHERS = "/etc/default/keyboard", "/etc/vconsole.conf"
KEYS = {
    DEBIANS: {"layout": "XKBLAYOUT", "variant": "XKBVARIANT", "model": "XKBMODEL", "options": "XKBOPTIONS"},
    OTHERS: {"layout": "KEYMAP"},
}
"""The names of our options in each file; a console keymap is one word, such as fr or fr-latin9."""

_LOOK = """
if [ -e /etc/debian_version ]; then file=$1; else file=$2; fi
echo "$file"; cat "$file" 2>/dev/null; exit 0
"""
_ASK: Argv = ("sh", "-c", _LOOK, "keyboard", DEBIANS, OTHERS)
# A machine without a console, or without the program, reads the file when it has both.
_LOAD = """
if command -v setupcon >/dev/null; then setupcon -k --force
else systemctl restart systemd-vconsole-setup.service; fi >/dev/null 2>&1
exit 0
"""


@dataclass(frozen=True, kw_only=True)
class KeyboardState:
    """Values of layout, variant, model and options, those that are managed; None where not set."""

    values: dict[str, str | None] = field(default_factory=dict)


class Keyboard(Thing[KeyboardState]):
    """Of the system's file only our lines."""

    name = "keyboard"

    def parse(self, value: Json) -> KeyboardState:
        """From {"layout": "fr", "variant": "latin9"}."""
        given = cast(dict[str, str], value)
        return KeyboardState(values={key: None if one == ABSENT else one for key, one in given.items()})

    def render(self, state: KeyboardState) -> Json:
        """To the same."""
        return {key: ABSENT if one is None else one for key, one in state.values.items()}

    def questions(self, managed: KeyboardState) -> Sequence[Argv]:
        """The file of this family."""
        return [_ASK]

    def observe(self, site: Site, managed: KeyboardState) -> KeyboardState:
        """The managed values; what the family cannot say counts as it is wanted."""
        path, text = _file(site)
        found, names = assignments.parse(text), KEYS[path]
        return KeyboardState(
            values={
                key: _plain(found.get(names[key])) if key in names else one
                for key, one in managed.values.items()
            }
        )

    def plan(self, current: KeyboardState, desired: KeyboardState) -> list[Change]:
        """One change for each value."""
        return differences(current.values, desired.values)

    def apply(self, site: Site, changes: Sequence[Change], desired: KeyboardState) -> None:
        """Write our lines, and let the console read them."""
        path, text = _file(site)
        names = KEYS[path]
        wanted = {names[change.field]: str(change.now) for change in changes}
        assignments.put(site, self.name, path, text, wanted)
        site.host.run(["sh", "-c", _LOAD, "load"])

    def remove(self, site: Site, managed: KeyboardState) -> None:
        """The former lines; a file that was not there goes with its last line."""
        path, text = _file(site)
        ours = [KEYS[path][key] for key in managed.values if key in KEYS[path]]
        if assignments.give_back(site, self.name, path, text, ours):
            site.host.run(["sh", "-c", _LOAD, "load"])

    def minus(self, old: KeyboardState, new: KeyboardState) -> KeyboardState | None:
        """The values that are no longer listed."""
        gone = {key: one for key, one in old.values.items() if key not in new.values}
        return KeyboardState(values=gone) if gone else None


def _file(site: Site) -> tuple[str, str]:
    (answer,) = site.host.ask([_ASK])
    path, _, text = answer.stdout.decode("utf-8", "replace").partition("\n")
    return path, text


def _plain(value: str | None) -> str | None:
    return None if value is None else assignments.plain(value)
