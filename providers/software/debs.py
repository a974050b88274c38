"""The packages that come with a bundle: a directory on the machine that is a small apt repository."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from providers.core.causes import check
from providers.core.host import Argv
from providers.core.journal import ROOT
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.software import delivery
from providers.software.bundle import PACKAGES, is_url, place

DEBS = f"{ROOT}/debs"
"""The bundle's apt repository on the machine, for `repositories` as file:/var/lib/helicon/debs."""
_IN_BUNDLE = "debs"
_SUM: Argv = ("sha256sum", f"{DEBS}/{PACKAGES}")
_UNPACK = f"""
set -e; umask 022; rm -rf {DEBS}.new; mkdir -p {DEBS}.new
tar -xf - -C {DEBS}.new --no-same-owner; chmod -R a+rX {DEBS}.new
[ -e {DEBS}.new/{PACKAGES} ] || {{ echo "the stream ended early" >&2; exit 1; }}  # the index comes last
chmod 0711 {ROOT}  # apt reads as user _apt; what is secret lies in directories of its own
rm -rf {DEBS}; mv {DEBS}.new {DEBS}
"""
"""A stream that ends between two files is whole to tar."""
_DOWNLOAD = f"""
set -e; umask 022
fetch() {{ {delivery.FETCH} }}
rm -rf {DEBS}.new; mkdir -p {DEBS}.new; cd {DEBS}.new
fetch {PACKAGES} "$1/{PACKAGES}"
for file in $(sed -n 's/^Filename: //p' {PACKAGES}); do
  mkdir -p "$(dirname "$file")"; fetch "$file" "$1/$file"
done
chmod 0711 {ROOT}; rm -rf {DEBS}; mv {DEBS}.new {DEBS}
"""


@dataclass(frozen=True, kw_only=True)
class DebsState:
    """Where the packages come from, and the sha256 of their index (None: there are none)."""

    source: str
    sum: str | None


class Debs(Thing[DebsState]):
    """Packages of a bundle, known by the sum of their index; where they come from may change without a change here."""

    name = "debs"

    def parse(self, value: Json) -> DebsState:
        """From {"source", "sum"}."""
        given = cast(dict[str, str], value)
        return DebsState(source=given["source"], sum=None if given["sum"] == ABSENT else given["sum"])

    def render(self, state: DebsState) -> Json:
        """To the same shape."""
        return {"source": state.source, "sum": ABSENT if state.sum is None else state.sum}

    def questions(self, managed: DebsState) -> Sequence[Argv]:
        """The sum of the index."""
        return [_SUM]

    def observe(self, site: Site, managed: DebsState) -> DebsState:
        """The sum found."""
        (answer,) = site.host.ask([_SUM])
        return DebsState(source=managed.source, sum=answer.text.split()[0] if answer.ok else None)

    def plan(self, current: DebsState, desired: DebsState) -> list[Change]:
        """One change for another index."""
        return differences({"sum": current.sum}, {"sum": desired.sum})

    def apply(self, site: Site, changes: Sequence[Change], desired: DebsState) -> None:
        """Bring all packages, then put them in place of the former ones."""
        site.say("packages of the bundle")
        if is_url(desired.source):
            script = ["sh", "-c", _DOWNLOAD, "download", place(desired.source, _IN_BUNDLE)]
            check(site.host, DEBS, site.host.run(script, timeout=delivery.TIMEOUT, check=False))
        else:
            _send(site, desired.source, str(desired.sum))

    def remove(self, site: Site, managed: DebsState) -> None:
        """The directory, and what an interrupted run left of a new one: all of it is ours."""
        site.host.run(["rm", "-rf", DEBS, f"{DEBS}.new"])

    def minus(self, old: DebsState, new: DebsState) -> DebsState | None:
        """The directory has no parts."""
        return None


def _send(site: Site, source: str, digest: str) -> None:
    index = delivery.local(site.host, source, f"{_IN_BUNDLE}/{PACKAGES}", digest)
    script = ["sh", "-c", _UNPACK, "unpack"]
    done = site.host.run(script, stdin=_packed(index), timeout=delivery.TIMEOUT, check=False)
    check(site.host, DEBS, done)


def _packed(index: Path) -> list[bytes | Path]:
    """The index's directory as one tar archive in parts: many small files make one stream, the index last."""
    parts: list[bytes | Path] = []
    files = [one for one in index.parent.rglob("*") if one.is_file()]
    for path in sorted(files, key=lambda one: (one == index, one)):
        about, entry = path.stat(), tarfile.TarInfo(str(path.relative_to(index.parent)))
        entry.size, entry.mtime = about.st_size, int(about.st_mtime)  # apt reads an index anew by its time
        parts += [entry.tobuf(), path, bytes(-entry.size % tarfile.BLOCKSIZE)]
    return [*parts, bytes(2 * tarfile.BLOCKSIZE)]
