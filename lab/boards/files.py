"""What lies on a board: all its files at one time, and what differs between two times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from lab.boards.plan import Board
from lab.boards.power import root

LIVING = {
    "/dev": "the kernel's",
    "/proc": "the kernel's",
    "/sys": "the kernel's",
    "/run": "emptied at each boot",
    "/tmp": "emptied at each boot",
    "/var/backups": "copies of the package database that a timer makes each day",
    "/var/log": "logs",
    "/var/tmp": "private directories of services, made anew at each start",
    "/var/lib/cni": "addresses of pods that come and go",
    "/var/lib/containerd": "images and containers",
    "/var/lib/etcd": "the cluster's data",
    "/var/lib/kubelet": "pods",
    "/var/lib/private/systemd": "a running system's own notes",
    "/var/lib/systemd": "a running system's own notes: the clock's stamp, timers, seeds",
}
"""Path to the reason why a board changes it by itself; what is below goes with it."""
LEFT = LIVING | {
    "/var/cache": "caches",
    "/var/lib/apt": "package lists, and which packages were asked for",
    "/var/lib/dpkg": "the package database and its backups",
    **{
        f"/etc/{name}-": "the backup that useradd and userdel write"
        for name in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")
    },
    "/etc/ld.so.cache": "a cache that package scripts write",
    "/var/lib/haproxy": "where the packaged unit mounts the log socket; purging the package leaves it",
}
"""Path to the reason why `destroy` leaves it."""
_LIVING = " -o ".join(f"-path {path}" for path in LIVING)
_FIND = rf"find / /var/lib -xdev -mindepth 1 \( {_LIVING} \) -prune -o"
"""Nothing below LIVING is ever compared, and images and containers are most of what lies there. /var/lib is the
lab's volume."""
LIST = rf"""
exec 3>&1
said=$(LC_ALL=C {_FIND} -printf '%y %m %u:%g %s %T@\0%p\0%l\0' 2>&1 >&3 |
  grep -v ': No such file or directory$')
[ -z "$said" ] || {{ echo "$said" >&2; exit 1; }}
"""
"""A directory that goes while it is looked into (a container's, say) is gone, and no error."""
_SUMS = f"{_FIND} -type f -print0 | xargs -0 sha256sum --zero 2>/dev/null; exit 0"
"""A file that vanishes in between has no sum: the comparison shows what that means."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One path: `kind` as find prints it, octal `mode`, "user:group", bytes, seconds since the epoch.

    `content` is the sha256 sum of a file or the target of a link.
    """

    kind: str
    mode: str
    owner: str
    size: int
    modified: str
    content: str = ""


Snapshot = Mapping[str, Entry]


def snapshot(board: Board) -> Snapshot:
    """All paths on the board's own file systems but those below LIVING, read past SSH."""
    entries = parse_list(root(board, "sh", "-c", LIST))
    sums = parse_sums(root(board, "sh", "-c", _SUMS))
    return {path: replace(entry, content=sums.get(path, entry.content)) for path, entry in entries.items()}


def parse_list(text: str) -> dict[str, Entry]:
    """Entries by path from `find -printf`, three fields each: attributes, path, link target."""
    fields = text.split("\0")
    entries = {}
    for attributes, path, target in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
        kind, mode, owner, size, modified = attributes.split(" ")
        entries[path] = Entry(
            kind=kind, mode=mode, owner=owner, size=int(size), modified=modified, content=target
        )
    return entries


def parse_sums(text: str) -> dict[str, str]:
    """Sums by path from `sha256sum --zero`."""
    lines = (line.split("  ", 1) for line in text.split("\0") if line)
    return {path: digest for digest, path in lines}


def compare(
    before: Snapshot, after: Snapshot, ignoring: Mapping[str, str], *, times: bool = False
) -> list[str]:
    """What differs, a line each, sorted by path; with `times`, modification times count too."""
    paths = sorted(path for path in before.keys() | after.keys() if not _below(path, ignoring))
    pairs = ((path, before.get(path), after.get(path)) for path in paths)
    return [f"{path}: {said}" for path, was, now in pairs for said in _differences(was, now, times)]


def _below(path: str, roots: Mapping[str, str]) -> bool:
    return any(path == one or path.startswith(one + "/") for one in roots)


def _differences(before: Entry | None, after: Entry | None, times: bool) -> Iterator[str]:
    if before is None or after is None:
        yield "appeared" if before is None else "is gone"
        return
    for name in ("kind", "mode", "owner", "content"):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            yield f"{name} {was} became {now}"
    if times and before.modified != after.modified:
        yield f"modified at {after.modified}, before at {before.modified}"
