"""A directory's data moved elsewhere so that, wherever a run is killed, one place holds all of it.

`X.helicon-copy` may be half a copy and is thrown away by the next run; `X.helicon` and `X` are whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.core.errors import DiskFull, HostError
from providers.core.host import Completed
from providers.core.service import last_lines
from providers.core.thing import Site
from providers.storage import table as tables

SECONDS = 6 * 3600
"""For one copy: 100 GB from an SD card at 20 MB/s take an hour and a half."""
ASIDE = ".helicon"
"""What a directory that was moved is called until its bind mount works."""
COPY = ".helicon-copy"
_NO_ROOM, _NOT_SAME = 66, 67

# Kinds of both directories and of what was set aside; mode and owner of the target, or what must be made for it.
_LOOK = r"""
kind() {
  if [ -L "$1" ]; then echo link; elif [ ! -e "$1" ]; then echo absent; elif [ ! -d "$1" ]; then echo file
  elif [ -n "$(ls -A -- "$1")" ]; then echo full; else echo empty; fi
}
made= path=$2
while [ ! -e "$path" ]; do made=$path path=${path%/*}; [ -n "$path" ] || path=/; done
[ -n "$made" ] || made=$(stat -c '%a:%u:%g' -- "$2")
echo "$(kind "$1") $(kind "$1.helicon") $(kind "$2") $made"
"""
# Everything but times and the sizes of directories; contents, too, up to a gigabyte.
_SAME = r"""
listing() {
  cd "$1" || return; export LC_ALL=C
  find . -xdev \( -type f -printf 'f %s %m %U %G %p\n' -o -type l -printf 'l %l %p\n' -o -printf '%y %m %U %G %p\n' \) |
    sort | sha256sum
  if [ "$2" -lt 1048576 ]; then find . -xdev -type f -exec sha256sum {} + | sort | sha256sum; fi
}
same() {
  size=$(du -skx -- "$1" | cut -f 1) && one=$(listing "$1" "$size") && other=$(listing "$2" "$size") &&
    [ "$one" = "$other" ]
}
"""
_IS_SAME = _SAME + 'same "$1" "$2"'
_COPY = (
    _SAME
    + r"""
set -eu; umask 022
from=$1 copy=$2.helicon-copy above=${2%/*}/
rm -rf -- "$copy"; mkdir -p -- "$above"
needed=$(du -skx -- "$from" | cut -f 1); needed=$((needed + needed / 20 + 1024))
free=$(df -Pk -- "$above" | awk 'END { print $4 }')
if [ "$free" -lt "$needed" ]; then echo "$needed $free"; exit 66; fi
cp -ax -- "$from" "$copy"
same "$from" "$copy" || exit 67
sync -f "$copy"
"""
)
_SETTLE = r"""
set -eu
[ ! -d "$1" ] || rmdir -- "$1"
mv -T -- "$1.helicon-copy" "$1"; sync -f "$1"
"""
# What was set aside is whole: back with it where nothing came in its place.
_RECOVER = r"""
set -eu
[ ! -d "$1" ] || rmdir -- "$1"
mv -T -- "$1.helicon" "$1"
"""
# Files below the mount would be in the way: then it stays mounted.
_RETURN = r"""
set -eu
if mountpoint -q "$1"; then umount "$1"; fi
[ -d "$1.helicon-copy" ] || exit 0
if [ -d "$1" ] && ! rmdir -- "$1"; then mount --bind -- "$2" "$1"; exit 1; fi
mv -T -- "$1.helicon-copy" "$1"; sync -f "$1"
"""
_THROW_AWAY = r"""
set -eu
while [ "$#" -gt 1 ]; do
  rm -rf -- "$2"; [ ! -e "$1" ] || mv -T -- "$1" "$2"; rm -rf -- "$2"; shift 2
done
"""
_THROW_COPY = 'rm -rf -- "$1.helicon-copy"'


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is where: each absent, empty, full, file or link.

    `made` is the target's mode, owner and group, or the topmost directory that is missing for it.
    """

    directory: str
    aside: str
    target: str
    made: str


def look(site: Site, directory: str, target: str) -> Found:
    """What is at both places now."""
    (answer,) = site.host.ask([("sh", "-c", _LOOK, "look", directory, target)])
    kinds = answer.text.split(" ", 3)
    return Found(directory=kinds[0], aside=kinds[1], target=kinds[2], made=kinds[3])


def recovered(site: Site, directory: str, target: str) -> Found:
    """The same, after what an earlier run had set aside came back to its place."""
    found = look(site, directory, target)
    if found.aside == "absent" or found.directory not in ("absent", "empty"):
        return found
    site.host.run(["sh", "-c", _RECOVER, "recover", directory])
    return look(site, directory, target)


def copy(site: Site, source: str, target: str) -> None:
    """Copy a directory beside where it shall be, and compare; `settle` or `give_back` names the copy."""
    if holders := tables.holders(site, source):
        raise tables.in_use(site, source, holders)
    site.say(f"copying {source} to {target}")
    done = site.host.run(["sh", "-c", _COPY, "copy", source, target], timeout=SECONDS, check=False)
    if not done.ok:
        site.host.run(["sh", "-c", _THROW_COPY, "throw-copy", target], timeout=SECONDS)
        raise _not_copied(site, source, target, done)


def settle(site: Site, target: str) -> None:
    """Give a compared copy its name."""
    site.host.run(["sh", "-c", _SETTLE, "settle", target])


def give_back(site: Site, directory: str, target: str) -> None:
    """Unmount the directory; a compared copy takes its place."""
    done = site.host.run(["sh", "-c", _RETURN, "return", directory, target], timeout=180, check=False)
    if not done.ok:
        raise tables.busy(site, "binds", directory, done)


def same(site: Site, one: str, other: str) -> bool:
    """Whether two directories hold the same."""
    return site.host.run(["sh", "-c", _IS_SAME, "same", one, other], timeout=SECONDS, check=False).ok


def throw_away(site: Site, directory: str, target: str | None = None) -> None:
    """Delete what was set aside, and a target that is no longer needed; half-deleted, neither passes for whole."""
    pairs = [f"{directory}{ASIDE}", f"{directory}{COPY}"]
    if target:
        pairs += [target, f"{target}{COPY}"]
    site.host.run(["sh", "-c", _THROW_AWAY, "throw-away", *pairs], timeout=SECONDS)


def _not_copied(site: Site, source: str, target: str, done: Completed) -> HostError:
    if done.exit_status == _NO_ROOM:
        needed, free = (f"{int(size) // 1024} MiB" for size in done.text.split())
        return DiskFull(
            host=str(site.host),
            item=f"binds {source}",
            expected=f"{needed} free for {target}",
            found=free,
            next_step=f"free some there (`df -h {target}`), or choose another place in storage.binds",
        )
    return HostError(
        host=str(site.host),
        item=f"binds {source}",
        expected=f"a whole copy of it for {target}",
        found="a copy that differs" if done.exit_status == _NOT_SAME else last_lines(done),
        next_step=f"see what writes to {source} or what is wrong with the disk (`dmesg | tail`)",
    )
