"""Files on a machine: several looked at in one question, one replaced in one step."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from providers.core.host import Argv, Completed
from providers.core.thing import Site

SHOWN_BYTES = 65_536
"""Larger files, and what is no text, are shown as a digest: a preview is for reading."""
DIGEST = "sha256:"
DIRECTORY = "(directory)"

_LOOK = f"""
for path; do
  if [ -d "$path" ]; then stat -L -c '%a %U %u %G %g directory' -- "$path"
  elif [ -e "$path" ]; then
    printf '%s ' "$(stat -L -c '%a %U %u %G %g' -- "$path")"
    if [ "$(stat -L -c %s -- "$path")" -lt {SHOWN_BYTES} ]; then printf =; base64 -w0 < "$path"; echo
    else printf {DIGEST}; sha256sum < "$path" | cut -c 1-64; fi
  else echo absent
  fi
done
"""
_PLACE = """
set -eu; umask 022; mkdir -p "${1%/*}/"; umask 077
cat > "$1.helicon"; chown "$3:$4" "$1.helicon"; chmod "$2" "$1.helicon"; sync "$1.helicon"
mv -T -- "$1.helicon" "$1"
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


def place(site: Site, path: str, content: str, mode: str, owner: str, group: str) -> None:
    """Write a file, in one step and through standard input; missing directories are made."""
    site.host.run(["sh", "-c", _PLACE, "place", path, mode, owner, group], stdin=content.encode())


def rewrite(site: Site, path: str, text: str) -> None:
    """Write a file of the system anew; its mode and owner stay, a new one is 0644."""
    argv = ["sh", "-c", _REWRITE, "rewrite", path]
    site.host.run(argv, stdin=text.encode("utf-8", "surrogateescape"))
