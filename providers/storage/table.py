"""What is mounted, at the next start (fstab(5)) and now (mountinfo), and who uses it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from providers.core.errors import Refused
from providers.core.host import Argv, Completed
from providers.core.service import last_lines
from providers.core.thing import Site

FSTAB = "/etc/fstab"
TABLE: Argv = ("cat", FSTAB)
MOUNTED: Argv = ("cat", "/proc/self/mountinfo")
OURS = "x-helicon"
"""The option that tells our lines from others; mount(8) ignores what begins with x-."""
_ASIDE = "#helicon-storage: "
_ESCAPE = re.compile(r"\\([0-7]{3})")

# Devices by their tags, links followed; what is no path (server:/export, tmpfs) stands for itself.
_RESOLVE = r"""
for source; do
  case $source in
    UUID=* | LABEL=* | PARTUUID=* | PARTLABEL=*) found=$(findfs "$source" 2>/dev/null) ;;
    /*) found=$(readlink -f -- "$source") ;;
    *) echo "$source -"; continue ;;
  esac
  if [ -b "$found" ]; then found=$(readlink -f -- "$found"); stat -L -c "$found %t:%T" -- "$found"
  else echo absent; fi
done
"""
_UNMOUNT = 'if mountpoint -q "$1"; then umount "$1"; fi'
_HOLDERS = r"""
cd /
find /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/exe /proc/[0-9]*/fd -maxdepth 1 -type l \
  \( -lname "$1" -o -lname "$1/*" \) 2>/dev/null | cut -d / -f 3 | sort -nu | while read -r pid; do
  if name=$(cat "/proc/$pid/comm" 2>/dev/null); then echo "$name (process $pid)"; fi
done
while read -r _ _ _ _ point _; do
  case $point in "$1"/*) echo "a mount at $point" ;; esac
done < /proc/self/mountinfo
"""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry of fstab(5); our mark is not among the options."""

    source: str
    type: str
    options: str
    passno: int = 0


@dataclass(frozen=True, kw_only=True)
class Mounted:
    """What is mounted at a point: device number, directory inside the device, source, type and flags."""

    device: str
    root: str
    source: str
    type: str
    options: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Device:
    """A source that is there: its path, and its device number ("" for what has none, such as NFS)."""

    path: str
    number: str

    def is_at(self, mounted: Mounted) -> bool:
        """Whether this is what is mounted; btrfs has numbers of its own, but shows the path."""
        return mounted.source == self.path or (bool(self.number) and mounted.device == self.number)


def resolve(sources: Iterable[str]) -> Argv:
    """The question which devices the sources stand for."""
    return ("sh", "-c", _RESOLVE, "resolve", *sources)


def parse_resolved(text: str) -> list[Device | None]:
    """The answer, in its order; None where there is no such device. Numbers come in hexadecimal."""
    return [_device(line) for line in text.splitlines()]


def _device(line: str) -> Device | None:
    if line == "absent":
        return None
    path, _, number = line.rpartition(" ")
    digits = [str(int(part, 16)) for part in number.split(":")] if ":" in number else []
    return Device(path=path, number=":".join(digits))


def parse_mounted(text: str) -> dict[str, Mounted]:
    """Mounts by their points, from mountinfo (proc(5)); of several at one point the topmost."""
    found = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        _, _, device, root, point, options, *_ = before.split(" ")
        kind, source, flags = (*after.split(" "), "", "")[:3]
        both = (*options.split(","), *(["ro"] if "ro" in flags.split(",") else []))
        found[_plain(point)] = Mounted(
            device=device, root=_plain(root), source=_plain(source), type=kind, options=both
        )
    return found


def _plain(field: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), field)


def line_at(table: str, point: str) -> Line | None:
    """The entry of the table for a mount point."""
    fields = next((one.split() for one in table.split("\n") if _point(one) == point), None)
    if fields is None:
        return None
    options = ",".join(one for one in fields[3].split(",") if one != OURS) if len(fields) > 3 else ""
    passno = int(fields[5]) if len(fields) > 5 and fields[5].isdecimal() else 0
    return Line(source=fields[0], type=fields[2], options=options or "defaults", passno=passno)


def with_lines(table: str, lines: Mapping[str, Line]) -> str:
    """The table with these entries: ours replaced where they stand, others marked out, new ones last."""
    rows, missing = [], dict(lines)
    for row in table.split("\n"):
        point = _point(row)
        if point not in lines:
            rows.append(row)
        elif not _is_ours(row):
            rows.append(_ASIDE + row)
        elif point in missing:
            rows.append(_row(point, missing.pop(point)))
    end = len(rows) - 1 if rows[-1] == "" else len(rows)
    return "\n".join([*rows[:end], *(_row(point, line) for point, line in missing.items()), *rows[end:]])


def without_lines(table: str, points: Iterable[str]) -> str:
    """The reverse: our entries go, and the others come back."""
    gone, rows = set(points), []
    for row in table.split("\n"):
        aside = row.removeprefix(_ASIDE)
        if aside != row and _point(aside) in gone:
            rows.append(aside)
        elif not (_point(row) in gone and _is_ours(row)):
            rows.append(row)
    return "\n".join(rows)


def _row(point: str, line: Line) -> str:
    return f"{line.source} {point} {line.type} {line.options},{OURS} 0 {line.passno}"


def _point(row: str) -> str:
    """The mount point of an entry; "" for what is no entry."""
    fields = row.split()
    return _plain(fields[1]) if len(fields) > 2 and not fields[0].startswith("#") else ""


def _is_ours(row: str) -> bool:
    return OURS in row.split()[3].split(",") if len(row.split()) > 3 else False


def unmount(site: Site, item: str, point: str) -> None:
    """Unmount; where something holds it, say what."""
    done = site.host.run(["sh", "-c", _UNMOUNT, "unmount", point], timeout=180, check=False)
    if not done.ok:
        raise busy(site, item, point, done)


def holders(site: Site, path: str) -> list[str]:
    """Processes that work below a directory, and mounts below it."""
    return site.host.run(["sh", "-c", _HOLDERS, "holders", path]).text.splitlines()


def busy(site: Site, item: str, path: str, done: Completed) -> Refused:
    """The error for what could not be unmounted, with what uses it."""
    return in_use(site, path, holders(site, path) or [last_lines(done)], item)


def in_use(site: Site, path: str, by: Sequence[str], item: str = "binds") -> Refused:
    """The error for a directory that is in use."""
    return Refused(
        host=str(site.host),
        item=f"{item} {path}",
        expected="that nothing uses it",
        found=", ".join(by[:10]),
        next_step=f"stop what uses it (`fuser -vm {path}` shows it again), then pulumi up again",
    )
