"""The time zone: /etc/localtime, and /etc/timezone where the machine has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from providers.core.errors import HostError
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing

LINK, NAME = "/etc/localtime", "/etc/timezone"
ZONES = "/usr/share/zoneinfo"

_LOOK = 'readlink "$1" | sed "s|.*/zoneinfo/||"; [ ! -f "$2" ] || cat "$2"'
_ASK: Argv = ("sh", "-c", _LOOK, "timezone", LINK, NAME)
_KNOWN = 'test -f "/usr/share/zoneinfo/$1"'
_SET = """
set -eu; ln -sfn "$1/$2" "$3.helicon"; mv -T "$3.helicon" "$3"
if [ -f "$4" ]; then printf '%s\\n' "$2" > "$4.helicon"; sync "$4.helicon"; mv "$4.helicon" "$4"; fi
"""


@dataclass(frozen=True, kw_only=True)
class TimezoneState:
    """The zone that programs use, and the one written down where that is done ("": nowhere)."""

    zone: str | None = None
    written: str = ""


class Timezone(Thing[TimezoneState]):
    """What `timedatectl set-timezone` does, without its bus; programs see it as they start."""

    name = "timezone"

    def parse(self, value: Json) -> TimezoneState:
        """From "Europe/Paris", or "Europe/Paris (written: Etc/UTC)"."""
        zone, _, written = str(value).removesuffix(")").partition(" (written: ")
        return TimezoneState(zone=None if zone == ABSENT else zone, written=written)

    def render(self, state: TimezoneState) -> Json:
        """To the same; what is written appears where it is another."""
        zone = ABSENT if state.zone is None else state.zone
        return f"{zone} (written: {state.written})" if state.written else zone

    def questions(self, managed: TimezoneState) -> Sequence[Argv]:
        """Link and file."""
        return [_ASK]

    def observe(self, site: Site, managed: TimezoneState) -> TimezoneState:
        """Both."""
        (answer,) = site.host.ask([_ASK])
        zone, *written = [line.strip() for line in answer.text.splitlines()] or [""]
        other = written[0] if written and written[0] != zone else ""
        return TimezoneState(zone=zone or None, written=other)

    def plan(self, current: TimezoneState, desired: TimezoneState) -> list[Change]:
        """One change."""
        if current == desired:
            return []
        return [Change(field=self.name, was=self.render(current), now=self.render(desired))]

    def apply(self, site: Site, changes: Sequence[Change], desired: TimezoneState) -> None:
        """Link and file anew; what was there is kept."""
        zone = str(desired.zone)
        if not site.host.run(["sh", "-c", _KNOWN, "known", zone], check=False).ok:
            raise HostError(
                host=str(site.host),
                item=self.name,
                expected=f"a zone below {ZONES}",
                found=zone,
                next_step=f"ls {ZONES}, on the machine; package tzdata has them",
            )
        site.journal.keep_files([LINK, NAME])
        site.host.run(["sh", "-c", _SET, "set", ZONES, zone, LINK, NAME])

    def remove(self, site: Site, managed: TimezoneState) -> None:
        """The former zone."""
        site.journal.restore_files([LINK, NAME])

    def minus(self, old: TimezoneState, new: TimezoneState) -> TimezoneState | None:
        """Nothing: the property is managed whole or not at all."""
        return None
