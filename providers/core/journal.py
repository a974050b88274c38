"""The journal on a machine: what was there before the first change, so that destroy can give it back.

It lies under /var/lib/helicon, readable by root only. An entry is written and synced before the
change it belongs to and never overwritten, so a run that was killed half-way loses nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, unquote

from providers.core.host import Argv, Host

ROOT = "/var/lib/helicon"
JOURNAL = f"{ROOT}/journal"

# What is not complete yet lies in a directory of its own, so that one process moves all that is.
_ARRIVE = """
[ "$#" -gt 0 ] || exit 0
sync -- "$@"
mv -n -t . -- "$@"
sync .
"""
_REMEMBER = (
    """
set -eu; umask 077; [ -d "$1/.coming" ] || mkdir -p "$1/.coming"; cd "$1"; shift
left=$#
while [ "$left" -gt 1 ]; do
  if [ ! -e "$1" ]; then printf %s "$2" > ".coming/$1"; set -- "$@" ".coming/$1"; fi
  shift 2; left=$((left - 2))
done
"""
    + _ARRIVE
)
_REMEMBER_LARGE = (
    """
set -eu; umask 077; mkdir -p "$1/.coming"; cd "$1"; shift
while read -r key value; do
  if [ ! -e "$key" ]; then
    printf %s "$value" | base64 -d > ".coming/$key"; set -- "$@" ".coming/$key"
  fi
done
"""
    + _ARRIVE
)
_RECALL = """
cd "$1" 2>/dev/null || exit 0; shift
for key; do
  if [ -e "$key" ]; then printf '%s ' "$key"; base64 -w0 "$key"; echo; fi
done
"""
_ENTRIES = """
cd "$1" 2>/dev/null || exit 0
for key in *; do
  if [ -e "$key" ]; then printf '%s ' "$key"; base64 -w0 "$key"; echo; fi
done
"""
_FORGET = """
cd "$1" 2>/dev/null || exit 0; here=$1; shift
rm -rf -- .coming "$@"; rmdir --ignore-fail-on-non-empty "$here"
"""
# Missing directories are noted: a restored machine has none that it had not.
_COPY = """
[ -d "$1" ] || mkdir -p "$1"; cd "$1"; shift
while [ "$files" -gt 0 ]; do
  if [ ! -e "$1" ] && [ ! -L "$1" ] && [ ! -e "$1,absent" ]; then
    if [ -e "$2" ] || [ -L "$2" ]; then
      { [ ! -e .new ] && [ ! -L .new ]; } || rm -rf .new
      cp -a -- "$2" .new
      if [ -f .new ] && [ ! -L .new ]; then sync .new; else sync -f .; fi
      mv -n -T .new "$1"
    else
      directory=${2%/*}
      while [ -n "$directory" ] && [ ! -e "$directory" ]; do
        printf '%s\\n' "$directory" >> .directories; directory=${directory%/*}
      done
      : > "$1,absent"
    fi
  fi
  shift 2; files=$((files - 1))
done
if [ -e .directories ]; then sync .directories .; else sync .; fi
"""
_KEEP = "set -eu; umask 077; files=$((($# - 1) / 2))" + _COPY
_KEEP_AND_REMEMBER = "set -eu; umask 077; files=$1; shift" + _COPY + _REMEMBER
"""How many files there are, then the arguments of both."""
# A file takes the place of another in one step; only a directory has to go first.
# What is mounted (as files of /etc are in containers) cannot be replaced, only overwritten.
_RESTORE = """
set -eu; cd "$1" 2>/dev/null || exit 0; here=$1; shift
while [ "$#" -gt 1 ]; do
  if [ -e "$1,absent" ]; then rm -rf -- "$2"; rm -f "$1,absent"
  elif [ -e "$1" ] || [ -L "$1" ]; then
    mkdir -p "${2%/*}/"; rm -rf -- "$2.helicon"; cp -a -- "$1" "$2.helicon"; sync -f "${2%/*}/."
    [ ! -d "$2" ] && [ ! -d "$2.helicon" ] || rm -rf -- "$2"
    mv -T -- "$2.helicon" "$2" 2>/dev/null || { cat "$2.helicon" > "$2"; rm "$2.helicon"; }
    sync -f "${2%/*}/."; rm -rf -- "$1"
  fi
  shift 2
done
if [ -e .directories ]; then
  sort -r -u .directories > .left
  while read -r directory; do
    rmdir "$directory" 2>/dev/null || [ ! -d "$directory" ] || printf '%s\\n' "$directory"
  done < .left > .directories
  rm .left; [ -s .directories ] || rm .directories
fi
rmdir --ignore-fail-on-non-empty "$here"
"""
_LARGE = 65_536
"""Bytes of values that still go through arguments; Linux limits one argument to 131,072."""


def is_ours(argv: Argv) -> bool:
    """Whether a command speaks of this program's own directory."""
    return any(ROOT in word for word in argv)


def _file(key: str) -> str:
    return quote(key, safe="") or "_"


def _lines(values: Mapping[str, str]) -> bytes:
    pairs = sorted((_file(key), base64.b64encode(value.encode()).decode()) for key, value in values.items())
    return "".join(f"{key} {value}\n" for key, value in pairs).encode()


def _places(paths: Iterable[str]) -> list[str]:
    """The arguments of _KEEP; none without paths."""
    pairs = [word for path in paths for word in (_file(path), path)]
    return [f"{JOURNAL}/files", *pairs] if pairs else []


class Journal:
    """The journal of one machine; keys are grouped by the name of the thing that wrote them."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def remember(self, thing: str, values: Mapping[str, str], files: Sequence[str] = ()) -> None:
        """Write what was there before, for the keys that have no entry yet; `files` are kept before that."""
        pairs = [part for key, value in sorted(values.items()) for part in (_file(key), value)]
        large = sum(len(part.encode()) for part in pairs) > _LARGE
        if files and pairs and not large:
            places = _places(files)
            self._note(_KEEP_AND_REMEMBER, str(len(files)), *places, f"{JOURNAL}/{thing}", *pairs)
            return
        self.keep_files(files)
        if large:
            self._note(_REMEMBER_LARGE, f"{JOURNAL}/{thing}", stdin=_lines(values))
        elif pairs:
            self._note(_REMEMBER, f"{JOURNAL}/{thing}", *pairs)

    def recall(self, thing: str, keys: Iterable[str]) -> dict[str, str]:
        """What was remembered, for those of the keys that have an entry."""
        names = {_file(key): key for key in keys}
        lines = self._shell(_RECALL, f"{JOURNAL}/{thing}", *names).splitlines()
        entries = (line.partition(" ") for line in lines)
        return {names[name]: base64.b64decode(value).decode() for name, _, value in entries}

    def entries(self, thing: str) -> dict[str, str]:
        """Everything that was remembered for a thing."""
        lines = (line.partition(" ") for line in self._shell(_ENTRIES, f"{JOURNAL}/{thing}").splitlines())
        return {unquote(name): base64.b64decode(value).decode() for name, _, value in lines}

    def forget(self, thing: str, keys: Iterable[str]) -> None:
        """Drop entries, after what they hold has been put back."""
        names = [_file(key) for key in keys]
        if names:
            self._shell(_FORGET, f"{JOURNAL}/{thing}", *names)

    def keep_files(self, paths: Iterable[str]) -> None:
        """Keep copies of files, links or directories, or the fact that there is none, before a change."""
        kept = _places(paths)
        if kept:
            self._note(_KEEP, *kept)

    def kept(self, path: str) -> str:
        """Where the copy lies that `keep_files` made; beside it `,absent` says that there was no such file."""
        return f"{JOURNAL}/files/{_file(path)}"

    def restore_files(self, paths: Iterable[str]) -> None:
        """Put the kept copies back, delete what was not there before, and drop the entries."""
        pairs = [part for path in paths for part in (_file(path), path)]
        if pairs:
            self._shell(_RESTORE, f"{JOURNAL}/files", *pairs)

    def forget_files(self, paths: Iterable[str]) -> None:
        """Drop kept copies without putting them back, where the rest of a file is no longer the same."""
        names = [part for path in paths for part in (_file(path), f"{_file(path)},absent")]
        if names:
            self._shell(_FORGET, f"{JOURNAL}/files", *names)

    def _note(self, script: str, *args: str, stdin: bytes = b"") -> None:
        self._host.note(["sh", "-c", script, "journal", *args], stdin=stdin)

    def _shell(self, script: str, *args: str) -> str:
        return self._host.run(["sh", "-c", script, "journal", *args]).text
