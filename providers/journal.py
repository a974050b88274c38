"""The journal on a machine: what was there before the first change, so that destroy can give it back.

It lies under /var/lib/helicon, readable by root only. An entry is written and synced before the
change it belongs to and never overwritten, so a run that was killed half-way loses nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from providers.host import Host

ROOT = "/var/lib/helicon"
JOURNAL = f"{ROOT}/journal"

_REMEMBER = """
set -eu; umask 077; mkdir -p "$1"; cd "$1"
while [ "$#" -gt 1 ]; do
  if [ ! -e "$2" ]; then printf %s "$3" > ".new"; sync ".new"; mv -n ".new" "$2"; fi
  shift 2
done
sync .
"""
_RECALL = """
cd "$1" 2>/dev/null || exit 0; shift
for key; do
  if [ -e "$key" ]; then printf '%s ' "$key"; base64 -w0 "$key"; echo; fi
done
"""
_FORGET = """
cd "$1" 2>/dev/null || exit 0; here=$1; shift
rm -f -- "$@"; rmdir --ignore-fail-on-non-empty "$here"
"""
_KEEP = """
set -eu; umask 077; mkdir -p "$1"; cd "$1"; shift
while [ "$#" -gt 1 ]; do
  if [ ! -e "$1" ] && [ ! -L "$1" ] && [ ! -e "$1.absent" ]; then
    if [ -e "$2" ] || [ -L "$2" ]; then rm -rf .new; cp -a -- "$2" .new; sync; mv -n -T .new "$1"
    else : > "$1.absent"; sync "$1.absent"; fi
  fi
  shift 2
done
sync .
"""
_RESTORE = """
set -eu; cd "$1" 2>/dev/null || exit 0; here=$1; shift
while [ "$#" -gt 1 ]; do
  if [ -e "$1.absent" ]; then rm -rf -- "$2"; rm -f "$1.absent"
  elif [ -e "$1" ] || [ -L "$1" ]; then
    rm -rf -- "$2.helicon"; cp -a -- "$1" "$2.helicon"; rm -rf -- "$2"; mv -T -- "$2.helicon" "$2"; rm -rf -- "$1"
  fi
  shift 2
done
rmdir --ignore-fail-on-non-empty "$here"
"""


def _file(key: str) -> str:
    return quote(key, safe="") or "_"


class Journal:
    """The journal of one machine; keys are grouped by the name of the thing that wrote them."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def remember(self, thing: str, values: Mapping[str, str]) -> None:
        """Write what was there before, for the keys that have no entry yet."""
        if values:
            pairs = [part for key, value in sorted(values.items()) for part in (_file(key), value)]
            self._shell(_REMEMBER, f"{JOURNAL}/{thing}", *pairs)

    def recall(self, thing: str, keys: Iterable[str]) -> dict[str, str]:
        """What was remembered, for those of the keys that have an entry."""
        names = {_file(key): key for key in keys}
        lines = self._shell(_RECALL, f"{JOURNAL}/{thing}", *names).splitlines()
        entries = (line.partition(" ") for line in lines)
        return {names[name]: base64.b64decode(value).decode() for name, _, value in entries}

    def forget(self, thing: str, keys: Iterable[str]) -> None:
        """Drop entries, after what they hold has been put back."""
        names = [_file(key) for key in keys]
        if names:
            self._shell(_FORGET, f"{JOURNAL}/{thing}", *names)

    def keep_files(self, paths: Iterable[str]) -> None:
        """Keep copies of files, links or directories (or the fact that there is none) before the first change."""
        pairs = [part for path in paths for part in (_file(path), path)]
        if pairs:
            self._shell(_KEEP, f"{JOURNAL}/files", *pairs)

    def restore_files(self, paths: Iterable[str]) -> None:
        """Put the kept copies back, delete what was not there before, and drop the entries."""
        pairs = [part for path in paths for part in (_file(path), path)]
        if pairs:
            self._shell(_RESTORE, f"{JOURNAL}/files", *pairs)

    def _shell(self, script: str, *args: str) -> str:
        return self._host.run(["sh", "-c", script, "journal", *args]).text
