"""Files on a machine: several looked at in one question, one replaced in one step."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from providers.core.host import Argv, Completed
from providers.core.thing import Site

SHOWN_BYTES = 65_536
"""Larger files, and what is no text, are shown as a digest: a preview is for reading."""
DIGEST = "sha256:"
DIRECTORY = "(directory)"

# One stat for all files: it has nothing to say of those that are absent. Of a raw mode (%f) the first digit is
# the kind, 4 for a directory.
_LOOK = f"""
stat -L -c '%f %a %U %u %G %g %s %n' -- "$@" 2>/dev/null | {{
  while read -r raw mode owner uid group gid size name; do
    while [ "$#" -gt 0 ] && [ "$1" != "$name" ]; do echo absent; shift; done
    [ "$#" -gt 0 ] || break
    printf '%s ' "$mode" "$owner" "$uid" "$group" "$gid"
    case $raw in
      4*) echo directory ;;
      *) if [ "$size" -lt {SHOWN_BYTES} ]; then printf =; base64 -w0 < "$1"; echo
        else printf {DIGEST}; sha256sum < "$1" | cut -c 1-64; fi ;;
    esac
    shift
  done
  for path; do echo absent; done
}}
"""
# Four arguments for each file, and between files the bytes of input that belong to the former; the last file
# has all that is left.
_PLACE = """
set -eu; set -- "$@" all; left=$#
while [ "$left" -gt 0 ]; do
  umask 022; [ -d "${1%/*}/" ] || mkdir -p "${1%/*}/"; [ "$2" = 0644 ] || umask 077
  [ ! -e "$1.helicon" ] || rm -f -- "$1.helicon"
  if [ "$left" -gt 5 ]; then head -c "$5"; else cat; fi > "$1.helicon"
  if [ "$3:$4" != root:root ] || [ -g "${1%/*}/" ]; then chown "$3:$4" "$1.helicon"; fi
  [ "$2" = 0644 ] || chmod "$2" "$1.helicon"
  set -- "$@" "$1.helicon"; shift 5; left=$((left - 5))
done
sync -- "$@"
for new; do mv -T -- "$new" "${new%.helicon}"; done
"""
# A file that is mounted, as /etc/hosts is in containers, cannot be replaced, only overwritten.
_REWRITE = """
set -eu; umask 022; path=$(readlink -f "$1")
if [ -e "$path" ]; then cp -p --attributes-only -- "$path" "$path.helicon"; fi
cat > "$path.helicon"; sync "$path.helicon"
mv -T -- "$path.helicon" "$path" 2>/dev/null || { cat "$path.helicon" > "$path"; rm "$path.helicon"; }
"""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A file as found: content as it is shown, mode in four digits, owner and group by name and number."""

    content: str
    mode: str
    owner: tuple[str, str]
    group: tuple[str, str]


def look(paths: Sequence[str]) -> Argv:
    """The question for all of the files; links are followed."""
    return ("sh", "-c", _LOOK, "look", *paths)


def parse(text: str) -> list[Seen | None]:
    """The answer to `look`, in its order; None where there is no file."""
    return [_seen(line) for line in text.splitlines()]


def _seen(line: str) -> Seen | None:
    if line == "absent":
        return None
    mode, owner, uid, group, gid, content = line.split(" ")
    if content == "directory":
        content = DIRECTORY
    elif content.startswith("="):
        content = shown(base64.b64decode(content[1:]))
    return Seen(content=content, mode=mode.zfill(4), owner=(owner, uid), group=(group, gid))


def shown(content: bytes) -> str:
    """A content as it appears in properties: its text, or its digest."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return digest(content)
    return digest(content) if len(content) >= SHOWN_BYTES or "\0" in text else text


def digest(content: bytes) -> str:
    """The digest as it is shown."""
    return DIGEST + hashlib.sha256(content).hexdigest()


def same_content(one: str, other: str) -> bool:
    """Whether two contents are the same, one of which may be shown by its digest."""
    if one.startswith(DIGEST) == other.startswith(DIGEST):
        return one == other
    text, short = (other, one) if one.startswith(DIGEST) else (one, other)
    return digest(text.encode()) == short


def text_or_none(answer: Completed) -> str | None:
    """What `cat` printed, to the last byte; None where there was no file."""
    return answer.stdout.decode("utf-8", "surrogateescape") if answer.ok else None


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A file to be written: its content, mode in four digits, owner and group."""

    content: str
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"


def place(site: Site, files: Mapping[str, Placed]) -> None:
    """Write files by path, each in one step and all through standard input; missing directories are made."""
    contents = [one.content.encode() for one in files.values()]
    words = [
        word
        for (path, one), content in zip(files.items(), contents, strict=True)
        for word in (path, one.mode, one.owner, one.group, str(len(content)))
    ]
    if words:
        site.host.run(["sh", "-c", _PLACE, "place", *words[:-1]], stdin=b"".join(contents))


def rewrite(site: Site, path: str, text: str) -> None:
    """Write a file of the system anew; its mode and owner stay, a new one is 0644."""
    argv = ["sh", "-c", _REWRITE, "rewrite", path]
    site.host.run(argv, stdin=text.encode("utf-8", "surrogateescape"))
