"""Directories that live elsewhere, by bind mounts: their data are moved, and moved back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core.errors import HostError, Refused
from providers.core.files_on_host import rewrite, text_or_none
from providers.core.host import Argv
from providers.core.service import last_lines
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.storage import moving, occupants
from providers.storage import table as tables
from providers.storage.moving import ASIDE, Found
from providers.storage.table import Line, Mounted

_AMISS = re.compile(r"(.*?) \((.*)\)")

_ASK = r"""
while [ "$#" -gt 1 ]; do
  if [ -e "$1.helicon" ] || [ -e "$1.helicon-copy" ]; then aside=yes; else aside=no; fi
  echo "$aside $(readlink -f -- "$2" || echo "$2")"; shift 2
done
"""
# What is empty stays as the mount point; else the data are set aside until the mount works.
_SWITCH = r"""
set -eu; umask 022; systemctl daemon-reload; mkdir -p "$2"
if [ -d "$1" ] && [ -n "$(ls -A -- "$1")" ]; then
  mv -T -- "$1" "$1.helicon"; mkdir "$1"; chmod --reference="$1.helicon" "$1"; chown --reference="$1.helicon" "$1"
elif [ -d "$1" ]; then
  if [ -n "$3" ]; then chmod --reference="$1" "$2"; chown --reference="$1" "$2"; fi
fi
mkdir -p "$1"
mount --bind -- "$2" "$1" && exit
if [ -d "$1.helicon" ]; then rmdir "$1"; mv -T -- "$1.helicon" "$1"; fi
exit 1
"""
# A directory that was there is made again as it was, one that was not goes with those made for it.
_TIDY = r"""
case $2 in
  /*) path=$1
    while rmdir "$path" 2>/dev/null || [ ! -e "$path" ]; do [ "$path" != "$2" ] || break; path=${path%/*}; done ;;
  *) mode=${2%%:*}; mkdir -p "$1"; chmod "$mode" "$1"; chown "${2#*:}" "$1" ;;
esac
[ "$4" != absent ] || rmdir "$3" 2>/dev/null || exit 0
"""


@dataclass(frozen=True, kw_only=True)
class BindsState:
    """Where each directory lives, with what is amiss in brackets; None where it is not bound."""

    targets: dict[str, str | None] = field(default_factory=dict)


class Binds(Thing[BindsState]):
    """A bound directory: mounted now, with a line in fstab(5), and nothing of the move left over."""

    name = "binds"

    def parse(self, value: Json) -> BindsState:
        """From {"/var/lib/etcd": "/srv/data/etcd"}, or "/srv/data/etcd (not mounted)"."""
        given = cast(dict[str, Json], value)
        return BindsState(targets={path: None if one == ABSENT else str(one) for path, one in given.items()})

    def render(self, state: BindsState) -> Json:
        """To the same."""
        return {path: ABSENT if one is None else one for path, one in state.targets.items()}

    def questions(self, managed: BindsState) -> Sequence[Argv]:
        """The table, what is mounted, and where targets are in truth."""
        pairs = [part for path, target in _pairs(managed).items() for part in (path, target)]
        return [tables.TABLE, tables.MOUNTED, ("sh", "-c", _ASK, "ask", *pairs)]

    def observe(self, site: Site, managed: BindsState) -> BindsState:
        """Where the managed directories live."""
        table, mounts, more = site.host.ask(self.questions(managed))
        mounted, text = tables.parse_mounted(mounts.text), text_or_none(table) or ""
        rows = dict(zip(_pairs(managed), more.text.splitlines(), strict=True))
        found = {}
        for path, target in managed.targets.items():
            aside, _, real = rows[path].partition(" ") if target else ("no", "", "")
            found[path] = _seen(path, _base(target), real, tables.line_at(text, path), mounted, aside)
        return BindsState(targets=found)

    def plan(self, current: BindsState, desired: BindsState) -> list[Change]:
        """One change for each directory that lives elsewhere, or not quite there."""
        return differences(current.targets, {path: one for path, one in desired.targets.items() if one})

    def apply(self, site: Site, changes: Sequence[Change], desired: BindsState) -> None:
        """Move the data, one directory after the other."""
        for path in sorted(change.field for change in changes):
            self._bind(site, path, str(desired.targets[path]))

    def _bind(self, site: Site, path: str, target: str) -> None:
        live = _live(site, path, target)
        if live is False:
            raise _foreign(site, path)
        if not live:
            self._move_out(site, path, target)
        else:
            self._list(site, path, target)
            occupants.start(site, self.name, path)
        moving.throw_away(site, path)

    def _move_out(self, site: Site, path: str, target: str) -> None:
        self._remember(site, path, target)
        with occupants.turn(site, path):
            occupants.stop(site, self.name, path)
            try:
                found = self._copy_out(site, path, target)
            except HostError:
                occupants.start(site, self.name, path)
                raise
            self._switch(site, path, target, "made" if found.target == "absent" else "")
            occupants.start(site, self.name, path)

    def _copy_out(self, site: Site, path: str, target: str) -> Found:
        found = moving.recovered(site, path, target)
        if found.aside != "absent":
            raise _both(site, path, path + ASIDE)
        if found.directory == "full" and found.target != "full":
            moving.copy(site, path, target)
            moving.settle(site, target)
        elif found.directory == "full" and not moving.same(site, path, target):
            raise _both(site, path, target)
        return found

    def _switch(self, site: Site, path: str, target: str, made: str) -> None:
        """The line first: should the power fail now, the next start mounts what is whole by then."""
        before = self._list(site, path, target)
        done = site.host.run(["sh", "-c", _SWITCH, "switch", path, target, made], check=False)
        if not done.ok:
            rewrite(site, tables.FSTAB, before)
            occupants.start(site, self.name, path)
            raise _not_mounted(site, path, target, last_lines(done))

    def _remember(self, site: Site, path: str, target: str) -> None:
        """Refuse what cannot be moved, then keep what there was; a run that goes on finds that kept."""
        if site.journal.recall(self.name, [path]):
            return
        found = moving.look(site, path, target)
        if found.directory not in ("absent", "empty", "full") or found.target in ("link", "file"):
            raise _no_directory(site, path, target, found)
        if found.directory == found.target == "full" and not moving.same(site, path, target):
            raise _both(site, path, target)
        keep = found.target == "full" != found.directory
        entry = {"target": target, "directory": found.directory, "made": found.made, "found": keep}
        site.journal.remember(self.name, {path: json.dumps(entry, sort_keys=True)})

    def _list(self, site: Site, path: str, target: str) -> str:
        """Put the line into the table; what the table was."""
        (answer,) = site.host.ask([tables.TABLE])
        table = text_or_none(answer) or ""
        changed = tables.with_lines(table, {path: _line(path, target)})
        if changed != table:
            rewrite(site, tables.FSTAB, changed)
        return table

    def remove(self, site: Site, managed: BindsState) -> None:
        """Move the data back, where they were moved by us."""
        entries = site.journal.recall(self.name, sorted(managed.targets))
        for path, entry in sorted(entries.items(), reverse=True):
            before = json.loads(entry)
            if _base(managed.targets[path]) in (None, before["target"]):
                self._move_back(site, path, before)

    def _move_back(self, site: Site, path: str, before: Mapping[str, str]) -> None:
        with occupants.turn(site, path):
            occupants.stop(site, self.name, path)
            try:
                self._copy_back(site, path, before["target"], keep=bool(before["found"]))
            except HostError:
                occupants.start(site, self.name, path)
                raise
            self._tidy(site, path, before)
            occupants.start(site, self.name, path)
        site.journal.forget(self.name, [path])

    def _tidy(self, site: Site, path: str, before: Mapping[str, str]) -> None:
        (answer,) = site.host.ask([tables.TABLE])
        table, target = text_or_none(answer) or "", before["target"]
        left = tables.without_lines(table, [path])
        if left != table:
            rewrite(site, tables.FSTAB, left)
        moving.throw_away(site, path, None if before["found"] else target)
        site.host.run(["sh", "-c", _TIDY, "tidy", target, before["made"], path, before["directory"]])

    def _copy_back(self, site: Site, path: str, target: str, *, keep: bool) -> None:
        bound = _live(site, path, target)
        if bound is False:
            raise _foreign(site, path)
        if bound:  # what was set aside before is obsolete now, and must not outlive the mount
            moving.throw_away(site, path)
        found = moving.look(site, path, target) if bound else moving.recovered(site, path, target)
        if found.target == "full" and not keep:
            if bound or found.directory in ("absent", "empty"):
                moving.copy(site, target, path)
            elif not moving.same(site, path, target):
                raise _both(site, path, target)
        if bound or found.directory in ("absent", "empty"):
            moving.give_back(site, path, target)

    def minus(self, old: BindsState, new: BindsState) -> BindsState | None:
        """The directories that are no longer listed, or shall live elsewhere."""
        gone = {
            path: target
            for path, target in old.targets.items()
            if path not in new.targets or (target and _base(target) != new.targets[path])
        }
        return BindsState(targets=gone) if gone else None


def _pairs(managed: BindsState) -> dict[str, str]:
    return {path: str(_base(target)) for path, target in sorted(managed.targets.items()) if target}


def _base(target: str | None) -> str | None:
    """The target without what is amiss."""
    amiss = _AMISS.fullmatch(target or "")
    return amiss.group(1) if amiss else target


def _line(path: str, target: str) -> Line:
    """Not mounted, the services that would begin anew in an empty directory do not start at all."""
    needed = occupants.of(path).needed_by
    options = ["bind", "nofail", f"x-systemd.requires-mounts-for={target}"]
    options += [f"x-systemd.{how}={unit}" for unit in needed for how in ("required-by", "before")]
    options += ["x-systemd.wanted-by=multi-user.target"] if needed else []
    return Line(source=target, type="none", options=",".join(options))


def _seen(
    path: str, target: str | None, real: str, line: Line | None, mounted: Mapping[str, Mounted], aside: str
) -> str | None:
    """Where a directory lives, compared with where it shall."""
    there = mounted.get(path)
    if there is None and line is None:
        return None
    if target is None or (there and not _is_bound(there, real, mounted)):
        return f"{there.source}{there.root} (another mount)" if there else cast(Line, line).source
    amiss = [
        *(["not mounted"] if there is None else []),
        *([] if line == _line(path, target) else ["not so in /etc/fstab"]),
        *([f"former data in {path}{ASIDE}"] if aside == "yes" else []),
    ]
    return f"{target} ({', '.join(amiss)})" if amiss else target


def _is_bound(there: Mounted, target: str, mounted: Mapping[str, Mounted]) -> bool:
    """Whether a mount shows the directory `target` (links followed): the same place in the same device."""
    points = [point for point in mounted if f"{target}/".startswith(f"{point.rstrip('/')}/")]
    above = max(points, key=len, default="")
    if not above:
        return False
    below = target.removeprefix(above.rstrip("/"))
    return (there.device, there.root.rstrip("/")) == (
        mounted[above].device,
        mounted[above].root.rstrip("/") + below,
    )


def _live(site: Site, path: str, target: str) -> bool | None:
    """Whether the directory is bound to the target; None where nothing is mounted there."""
    mounts, real = site.host.ask([tables.MOUNTED, ("readlink", "-f", "--", target)])
    mounted = tables.parse_mounted(mounts.text)
    return _is_bound(mounted[path], real.text or target, mounted) if path in mounted else None


def _refused(site: Site, path: str, expected: str, found: str, next_step: str) -> Refused:
    item = f"binds {path}"
    return Refused(host=str(site.host), item=item, expected=expected, found=found, next_step=next_step)


def _foreign(site: Site, path: str) -> Refused:
    return _refused(site, path, "no other mount there", "one", f"findmnt {path}; then umount {path}")


def _no_directory(site: Site, path: str, target: str, found: Found) -> Refused:
    kinds = f"{path}: {found.directory}, {target}: {found.target}"
    return _refused(site, path, "directories", kinds, f"ls -ld {path} {target}, and put a directory there")


def _both(site: Site, path: str, target: str) -> Refused:
    expected, found = "data in one of the two", f"different data in {path} and in {target}"
    return _refused(site, path, expected, found, f"diff -rq {path} {target}, and move one of them away")


def _not_mounted(site: Site, path: str, target: str, said: str) -> Refused:
    expected = f"{target} mounted there"
    return _refused(site, path, expected, said, "dmesg | tail; the data are where they were")
