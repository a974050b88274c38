"""File systems of disks and servers: mounted now and, by a line in fstab(5), at every start. Never formatted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import cast

from providers.core.errors import HostError, Refused
from providers.core.files_on_host import rewrite, text_or_none
from providers.core.host import Argv
from providers.core.service import last_lines
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from providers.storage import table as tables
from providers.storage.table import Device, Line, Mounted

_SECONDS = 180
"""A server that is down is given up by mount.nfs after two minutes."""
_FLAGS = ("ro", "noatime", "nodiratime", "nosuid", "nodev", "noexec")
"""Options that a mount shows under the same name (proc(5), mountinfo)."""
_YES = "yes"

# What is there before: the topmost directory that has to be made, and whether the last one is empty.
_PLACES = r"""
for point; do
  made= path=$point
  while [ ! -e "$path" ]; do made=$path path=${path%/*}; [ -n "$path" ] || path=/; done
  if [ -n "$made" ]; then echo "$made"
  elif [ ! -d "$point" ] || [ -n "$(ls -A -- "$point")" ]; then echo full; else echo empty; fi
done
"""
_DEVICES = """
lsblk -dprno NAME,SIZE 2>/dev/null | sed 's/^/disk /'
blkid -c /dev/null 2>/dev/null | sed 's/ BLOCK_SIZE="[0-9]*"//'
exit 0
"""
# systemd must forget an older line first: it would unmount again what is not that line's device.
_MOUNT = """
set -eu; umask 022; systemctl daemon-reload; mkdir -p "$1"
mountpoint -q "$1" || mount -t "$3" -o "$4" -- "$2" "$1"
"""
_REMOUNT = 'mount -o "remount,$3" -- "$2" "$1"'
_GONE = """
systemctl daemon-reload
[ -n "$2" ] || exit 0
path=$1
while rmdir "$path" 2>/dev/null || [ ! -e "$path" ]; do [ "$path" != "$2" ] || break; path=${path%/*}; done
"""


@dataclass(frozen=True, kw_only=True)
class MountsState:
    """Entries of the table by mount point (None: there is none), and what is amiss with the mount itself."""

    lines: dict[str, Line | None] = field(default_factory=dict)
    amiss: dict[str, str] = field(default_factory=dict)


class Mounts(Thing[MountsState]):
    """Each mount point with its entry; `mounted` appears in the property where it is not as the entry says."""

    name = "mounts"

    def parse(self, value: Json) -> MountsState:
        """From {"/srv/data": {"source", "type", "options", "pass"}}, with "mounted" where that is amiss."""
        given = cast(dict[str, dict[str, Json] | str], value)
        full = {point: one for point, one in given.items() if not isinstance(one, str)}
        return MountsState(
            lines={point: None if isinstance(one, str) else _line(one) for point, one in given.items()},
            amiss={point: str(one["mounted"]) for point, one in full.items() if "mounted" in one},
        )

    def render(self, state: MountsState) -> Json:
        """To the same."""
        return {point: _rendered(line, state.amiss.get(point)) for point, line in state.lines.items()}

    def questions(self, managed: MountsState) -> Sequence[Argv]:
        """The table, what is mounted, and which devices the sources are."""
        return [tables.TABLE, tables.MOUNTED, tables.resolve(_sources(managed).values())]

    def observe(self, site: Site, managed: MountsState) -> MountsState:
        """Both for the managed points; the mount is compared with the managed entry."""
        table, mounted, devices = self._look(site, managed)
        lines = {point: tables.line_at(table, point) for point in managed.lines}
        live = {
            point: _live(managed.lines[point], mounted.get(point), devices.get(point))
            for point, line in lines.items()
            if line
        }
        return MountsState(lines=lines, amiss={point: said for point, said in live.items() if said})

    def plan(self, current: MountsState, desired: MountsState) -> list[Change]:
        """One change for each entry that is missing, each field of one, and each mount, that differs."""
        changes = []
        for point, line in sorted(desired.lines.items()):
            if line is not None:
                changes += _changes(point, current.lines.get(point), line, current.amiss.get(point))
        return changes

    def apply(self, site: Site, changes: Sequence[Change], desired: MountsState) -> None:
        """Unmount or remount what differs, write the table, mount what is not mounted."""
        fields = {change.field.partition(" ")[0] for change in changes}
        wanted = {point: line for point, line in sorted(desired.lines.items()) if line and point in fields}
        table, mounted, devices = self._look(site, desired)
        self._prepare(site, wanted, mounted, devices)
        for point, line in wanted.items():
            if there := mounted.get(point):
                _make_room(site, point, line, is_it=cast(Device, devices[point]).is_at(there))
        changed = tables.with_lines(table, wanted)
        if changed != table:
            rewrite(site, tables.FSTAB, changed)
        for point, line in wanted.items():
            _mount(site, point, line)

    def _prepare(
        self,
        site: Site,
        wanted: Mapping[str, Line],
        mounted: Mapping[str, Mounted],
        devices: Mapping[str, Device | None],
    ) -> None:
        """Refuse what cannot be done, then keep what there was."""
        (answer,) = site.host.ask([("sh", "-c", _PLACES, "places", *wanted)])
        before = {}
        for (point, line), place in zip(wanted.items(), answer.text.splitlines(), strict=True):
            if not devices[point]:
                raise _no_device(site, point, line)
            if place == "full" and point not in mounted:
                raise _hides(site, point)
            there = [asdict(mounted[point])] if point in mounted else []
            made = place if place.startswith("/") else ""
            before[point] = json.dumps({"made": made, "mounted": there}, sort_keys=True)
        site.journal.remember(self.name, before)

    def remove(self, site: Site, managed: MountsState) -> None:
        """Unmount, or mount what was mounted before; the entry, and the directories we made, go."""
        before = site.journal.recall(self.name, sorted(managed.lines))
        if not before:
            return
        table, mounted = (text_or_none(one) or "" for one in site.host.ask([tables.TABLE, tables.MOUNTED]))
        now = tables.parse_mounted(mounted)
        former = {point: json.loads(entry) for point, entry in before.items()}
        for point in sorted(former, reverse=True):
            if point in now and asdict(now[point])["source"] not in _former_sources(former[point]):
                tables.unmount(site, self.name, point)
        left = tables.without_lines(table, former)
        if left != table:
            rewrite(site, tables.FSTAB, left)
        for point in sorted(former, reverse=True):
            site.host.run(["sh", "-c", _GONE, "gone", point, former[point]["made"]])
        for point in sorted(former):
            for mount in former[point]["mounted"]:
                _mount_again(site, point, mount, is_there=point in now)
        site.journal.forget(self.name, before)

    def minus(self, old: MountsState, new: MountsState) -> MountsState | None:
        """The points that are no longer listed."""
        lines = {point: line for point, line in old.lines.items() if point not in new.lines}
        amiss = {point: said for point, said in old.amiss.items() if point in lines}
        return MountsState(lines=lines, amiss=amiss) if lines else None

    def _look(
        self, site: Site, managed: MountsState
    ) -> tuple[str, dict[str, Mounted], dict[str, Device | None]]:
        table, mounted, devices = site.host.ask(self.questions(managed))
        found = tables.parse_resolved(devices.text)
        by_point = dict(zip(_sources(managed), found, strict=True))
        return text_or_none(table) or "", tables.parse_mounted(mounted.text), by_point


def _line(given: Mapping[str, Json]) -> Line:
    return Line(
        source=str(given["source"]),
        type=str(given["type"]),
        options=str(given.get("options") or "defaults"),
        passno=int(cast(float, given.get("pass", 0))),
    )


def _rendered(line: Line | None, amiss: str | None) -> Json:
    if line is None:
        return ABSENT
    shown: dict[str, Json] = {"source": line.source, "type": line.type, "options": line.options}
    return {**shown, "pass": line.passno} | ({"mounted": amiss} if amiss else {})


def _sources(managed: MountsState) -> dict[str, str]:
    return {point: line.source for point, line in sorted(managed.lines.items()) if line}


def _live(wanted: Line | None, mounted: Mounted | None, device: Device | None) -> str:
    """What is amiss with a mount; "" where nothing is."""
    if mounted is None:
        return "no"
    if wanted is None:
        return ""
    if device is None or not device.is_at(mounted):
        return f"from {mounted.source}"
    options = wanted.options.split(",")
    lacks = [flag for flag in _FLAGS if flag in options and flag not in mounted.options]
    if lacks:
        return f"without {', '.join(lacks)}"
    return "read-only" if "ro" in mounted.options and "ro" not in options else ""


def _changes(point: str, found: Line | None, wanted: Line, amiss: str | None) -> list[Change]:
    if found is None:
        now = f"{wanted.source} {wanted.type} {wanted.options} {wanted.passno}"
        return [Change(field=point, was=None, now=now)]
    pairs = zip(asdict(found).items(), asdict(wanted).values(), strict=True)
    changes = [
        Change(field=f"{point} {name.replace('passno', 'pass')}", was=was, now=now)
        for (name, was), now in pairs
        if was != now
    ]
    return changes + ([Change(field=f"{point} mounted", was=amiss, now=_YES)] if amiss else [])


def _make_room(site: Site, point: str, line: Line, *, is_it: bool) -> None:
    """Remount with the wanted options; what cannot be remounted, or is something else, is unmounted."""
    remount = ["sh", "-c", _REMOUNT, "remount", point, line.source, line.options]
    if not is_it or not site.host.run(remount, timeout=_SECONDS, check=False).ok:
        tables.unmount(site, "mounts", point)


def _mount(site: Site, point: str, line: Line) -> None:
    argv = ["sh", "-c", _MOUNT, "mount", point, line.source, line.type, line.options]
    done = site.host.run(argv, timeout=_SECONDS, check=False)
    if not done.ok:
        raise HostError(
            host=str(site.host),
            item=f"mounts {point}",
            expected=f"{line.source} mounted as {line.type}",
            found=last_lines(done),
            next_step=f"look at `blkid` and `dmesg | tail` on {site.host.name}; helicon formats nothing",
        )


def _mount_again(site: Site, point: str, before: Mapping[str, object], *, is_there: bool) -> None:
    """What was mounted before us, as far as it lets itself be mounted again."""
    options = ",".join(cast(list[str], before["options"]))
    source = str(before["source"])
    argv = ["sh", "-c", _REMOUNT, "remount", point, source, options]
    if not is_there or not site.host.run(argv, timeout=_SECONDS, check=False).ok:
        argv = ["sh", "-c", _MOUNT, "mount", point, source, str(before["type"]), options]
        if not site.host.run(argv, timeout=_SECONDS, check=False).ok:
            site.say(f"mounts: {source} could not be mounted again at {point}")


def _former_sources(entry: Mapping[str, object]) -> list[object]:
    return [one["source"] for one in cast(Iterable[Mapping[str, object]], entry["mounted"])]


def _no_device(site: Site, point: str, line: Line) -> HostError:
    found = site.host.run(["sh", "-c", _DEVICES, "devices"]).text.splitlines()
    return HostError(
        host=str(site.host),
        item=f"mounts {point}",
        expected=f"a device {line.source}",
        found=f"none such; there are: {'; '.join(found) or 'no devices'}",
        next_step=f"connect it, or correct storage.mounts of {site.host.name}; helicon formats nothing",
    )


def _hides(site: Site, point: str) -> Refused:
    return Refused(
        host=str(site.host),
        item=f"mounts {point}",
        expected="an empty directory",
        found="files, which the mount would hide",
        next_step=f"look at them (`ls -A {point}`) and move them away; storage.binds moves data by itself",
    )
