"""The user's own systemd units: enabled, active, and the unit file itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core.errors import HostError, Unobservable
from providers.core.files_on_host import look, same_content, shown
from providers.core.files_on_host import parse as parse_files
from providers.core.host import Argv, Completed
from providers.core.service import last_lines
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from providers.core.writing import put_all

Aspects = dict[str, bool | str | None]
ASPECTS = ("content", "enabled", "active")
STALE = "(on disk, not yet read by systemd)"
_START_SECONDS = 180
"""Longer than systemd's own DefaultTimeoutStartSec of 90 s, so that systemd says what is wrong."""
_RUNNING = ("active", "reloading", "refreshing")
_NO_CHOICE = ("static", "generated", "transient", "alias")
"""States of units that cannot be enabled or disabled (systemctl(1), is-enabled)."""
_ENDED = (None, "inactive", "failed")
"""States of units that need not be stopped; None for one that systemd says nothing about."""

_DOWN = """
systemctl cat "$1" >/dev/null 2>&1 || exit 0
case $3 in any|active) ;; *) systemctl stop "$1" ;; esac
case $2 in any|enabled|static|generated|alias) ;; *) systemctl disable -q "$1" ;; esac
"""
_UP = """
case $2 in enabled) systemctl enable -q "$1" ;; masked) systemctl mask -q "$1" ;; esac
case $3 in active) systemctl "$4" "$1" ;; esac
"""


@dataclass(frozen=True, kw_only=True)
class UnitsState:
    """By unit, those of ASPECTS that are managed; None for the content of a file that is not there."""

    units: dict[str, Aspects] = field(default_factory=dict)


class Units(Thing[UnitsState]):
    """Unit files are ours whole, below /etc/systemd/system; without content the unit is somebody else's."""

    name = "units"

    def parse(self, value: Json) -> UnitsState:
        """From {"name.service": {"enabled": true, "active": true, "content": "..."}}."""
        given = cast(dict[str, dict[str, bool | str]], value)
        return UnitsState(
            units={
                unit: {key: None if one == ABSENT else one for key, one in aspects.items() if key in ASPECTS}
                for unit, aspects in given.items()
            }
        )

    def render(self, state: UnitsState) -> Json:
        """To the same."""
        return {
            unit: {key: ABSENT if one is None else one for key, one in aspects.items()}
            for unit, aspects in state.units.items()
        }

    def questions(self, managed: UnitsState) -> Sequence[Argv]:
        """One question to systemd for all units, one for all files."""
        files = _with_content(managed)
        return ([_show(managed.units)] if managed.units else []) + (
            [look([path(unit) for unit in files])] if files else []
        )

    def observe(self, site: Site, managed: UnitsState) -> UnitsState:
        """The managed aspects as they are."""
        if not managed.units:
            return managed
        told, *looked = site.host.ask(self.questions(managed))
        contents = [one.content if one else None for answer in looked for one in parse_files(answer.text)]
        files = dict(zip(_with_content(managed), contents, strict=True))
        systemd = _blocks(site, told, sorted(managed.units))
        return UnitsState(
            units={
                unit: {key: _aspect(key, systemd[unit], files.get(unit), aspects) for key in aspects}
                for unit, aspects in managed.units.items()
            }
        )

    def plan(self, current: UnitsState, desired: UnitsState) -> list[Change]:
        """One change for each aspect that differs."""
        return [
            Change(field=f"{unit}.{key}", was=was, now=shown(now.encode()) if isinstance(now, str) else now)
            for unit, aspects in sorted(desired.units.items())
            for key, now in aspects.items()
            for was in [current.units.get(unit, {}).get(key)]
            if not _same(was, now)
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: UnitsState) -> None:
        """Stop what gets a new file, write, enable as wanted, let systemd read once, then start as wanted.

        A unit whose file changes is stopped first: killed at any point, it is seen not to run as wanted.
        """
        touched: dict[str, set[str]] = {}
        for change in changes:
            unit, _, key = change.field.rpartition(".")
            touched.setdefault(unit, set()).add(key)
        files = [unit for unit, keys in touched.items() if "content" in keys]
        found = _remember(site, touched, files)
        running = [unit for unit in files if found[unit].get("ActiveState") not in _ENDED]
        if running:
            site.host.run(["systemctl", "stop", *running], timeout=_START_SECONDS)
        put_all(site, {path(unit): str(desired.units[unit]["content"]) for unit in files})
        switched = _switch(site, touched, desired, found)
        if switched or any("content" in desired.units[unit] for unit in touched):
            site.systemd.changed()
        site.systemd.reload()
        moved = [unit for unit, keys in touched.items() if keys & {"active", "content"}]
        for active in (False, True):
            units = [unit for unit in moved if desired.units[unit].get("active", True) is active]
            _start_or_stop(site, units, active)

    def remove(self, site: Site, managed: UnitsState) -> None:
        """The former files, and each unit as enabled and active as it was."""
        keys = [f"{unit} {key}" for unit, aspects in managed.units.items() for key in aspects]
        before = site.journal.recall(self.name, keys)
        known = {key.split(" ")[0] for key in before}
        for unit in sorted(known):
            site.host.run(["sh", "-c", _DOWN, "down", *_before(unit, before)], timeout=_START_SECONDS)
        files = [path(unit) for unit in _with_content(managed)]
        site.journal.restore_files(files)
        if files and known:
            site.host.run(["systemctl", "daemon-reload"])
        for unit in sorted(known):
            if {"enabled", "masked", "active"} & set(_before(unit, before)[1:]):
                verb = "restart" if path(unit) in files else "start"
                site.host.run(["sh", "-c", _UP, "up", *_before(unit, before), verb], timeout=_START_SECONDS)
        site.journal.forget(self.name, before)

    def minus(self, old: UnitsState, new: UnitsState) -> UnitsState | None:
        """The aspects that are no longer listed."""
        gone = {
            unit: {key: one for key, one in aspects.items() if key not in new.units.get(unit, {})}
            for unit, aspects in old.units.items()
        }
        left = {unit: aspects for unit, aspects in gone.items() if aspects or unit not in new.units}
        return UnitsState(units=left) if left else None


def path(unit: str) -> str:
    """Where a unit file of ours lies."""
    return f"/etc/systemd/system/{unit}"


def parse_show(text: str) -> list[dict[str, str]]:
    """The properties that `systemctl show` prints, one mapping for each unit."""
    blocks = [block.splitlines() for block in text.split("\n\n") if block.strip()]
    return [{key: value for key, _, value in (line.partition("=") for line in one)} for one in blocks]


def _show(units: Iterable[str]) -> Argv:
    return ("systemctl", "show", "-p", "UnitFileState,ActiveState,NeedDaemonReload", "--", *sorted(units))


def _blocks(site: Site, answer: Completed, units: Sequence[str]) -> dict[str, dict[str, str]]:
    blocks = parse_show(answer.text)
    if len(blocks) != len(units):
        raise Unobservable(
            host=str(site.host),
            item="units",
            expected=f"systemd's answer about {', '.join(units)}",
            found=last_lines(answer),
            next_step="systemctl status, on the machine",
        )
    return dict(zip(units, blocks, strict=True))


def _with_content(managed: UnitsState) -> list[str]:
    return sorted(unit for unit, aspects in managed.units.items() if "content" in aspects)


def _aspect(key: str, told: Mapping[str, str], content: str | None, wanted: Aspects) -> bool | str | None:
    if key == "content":
        stale = content is not None and told.get("NeedDaemonReload") == "yes"
        return STALE if stale else content
    if key == "active":
        return told.get("ActiveState") in _RUNNING
    state = told.get("UnitFileState")
    return wanted["enabled"] if state in _NO_CHOICE else state == "enabled"


def _same(was: bool | str | None, now: bool | str | None) -> bool:
    return same_content(was, now) if isinstance(was, str) and isinstance(now, str) else was == now


def _remember(site: Site, units: Iterable[str], files: Sequence[str]) -> dict[str, dict[str, str]]:
    """Keep how the units are, whichever aspect changes first, and the files that will be replaced."""
    names = sorted(units)
    (told,) = site.host.ask([_show(names)])
    found, values = _blocks(site, told, names), {}
    for unit, block in found.items():
        file = block.get("UnitFileState")
        # what runs from a file that is gone could not be started again: once it is stopped, that is that
        values[f"{unit} enabled"] = file or "absent"
        values[f"{unit} active"] = "active" if file and block.get("ActiveState") in _RUNNING else "inactive"
    values |= {f"{unit} content": "" for unit in files}
    site.journal.remember(Units.name, values, files=[path(unit) for unit in files])
    return found


def _before(unit: str, entries: Mapping[str, str]) -> tuple[str, str, str]:
    """The unit and how it was; "any" for what was never managed."""
    return unit, entries.get(f"{unit} enabled", "any"), entries.get(f"{unit} active", "any")


def _switch(
    site: Site,
    touched: Mapping[str, set[str]],
    desired: UnitsState,
    found: Mapping[str, Mapping[str, str]],
) -> bool:
    """Enable and disable; whether there was anything to. Each reload costs a board more than all the rest."""
    wanted = {
        unit: bool(desired.units[unit]["enabled"])
        for unit, keys in touched.items()
        if "enabled" in keys or ("content" in keys and desired.units[unit].get("enabled"))
    }
    enabled = [unit for unit, one in wanted.items() if one]
    disabled = [unit for unit, one in wanted.items() if not one]
    masked = [unit for unit in enabled if found[unit].get("UnitFileState", "").startswith("masked")]
    for verb, units in (("unmask", masked), ("enable", enabled), ("disable", disabled)):
        if units:
            site.host.run(["systemctl", verb, "--no-reload", "-q", *units])
    return bool(wanted)


def _start_or_stop(site: Site, units: Sequence[str], active: bool) -> None:
    """All at once; where that fails, one after another for the reason of the one that does."""
    if not units:
        return
    argv = ["systemctl", "start" if active else "stop"]
    done = site.host.run([*argv, *units], timeout=_START_SECONDS, check=False)
    if done.ok:
        return
    for unit in units:
        if len(units) > 1:
            done = site.host.run([*argv, unit], timeout=_START_SECONDS, check=False)
        if not done.ok:
            raise HostError(
                host=str(site.host),
                item=f"unit {unit}",
                expected="active" if active else "inactive",
                found=last_lines(done),
                next_step=f"journalctl -u {unit} -n 50",
            )
