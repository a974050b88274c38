"""Files of a bundle: programs placed on the machine, and a directory of packages for apt."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
STAMPS = f"{ROOT}/artifacts"
"""A sum with the size, times and inode of the file that it was computed of.

Hashing three programs of 80 MB takes a small board a second. A file whose stat is the stamp's is
the file that was hashed (a change of its content changes its ctime, which cannot be set), so only
others are hashed again. Observing writes nothing: a stamp is written only with its file.
"""
_DEBS_IN_BUNDLE = "debs"
_STAT = "%a %s %.Y %.Z %i"
_SUMS = f"""
for path; do
  now=$(stat -L -c "{_STAT}" -- "$path" 2>/dev/null) || continue
  sum=; was=; {{ read -r sum was < "{STAMPS}$path"; }} 2>/dev/null
  if [ "$was" != "$now" ]; then sum=$(sha256sum < "$path"); sum=${{sum%% *}}; fi
  printf '%s %s %s\\n' "$sum" "${{now%% *}}" "$path"
done
sha256sum {DEBS}/{PACKAGES} 2>/dev/null; exit 0
"""
_PLACE = f"""
set -e; umask 077
while [ $# -gt 0 ]; do
  path=$1; stamp="{STAMPS}$1"
  [ -z "$2" ] || mv -f -T -- "$path.helicon" "$path"
  chmod "$3" -- "$path"
  mkdir -p "${{stamp%/*}}"; sum=${{2:-$(sha256sum < "$path")}}
  echo "${{sum%% *}} $(stat -L -c "{_STAT}" -- "$path")" > "$stamp"
  shift 3
done
"""
_UNPACK = f"""
set -e; umask 022; rm -rf {DEBS}.new; mkdir -p {DEBS}.new
tar -xf "$1" -C {DEBS}.new --no-same-owner; chmod -R a+rX {DEBS}.new
chmod 0711 {ROOT}  # apt reads as user _apt; what is secret lies in directories of its own
rm -rf {DEBS}; mv {DEBS}.new {DEBS}; rm -f "$1"
"""
_DOWNLOAD_DEBS = f"""
set -e; umask 022
fetch() {{ {delivery.FETCH} }}
rm -rf {DEBS}.new; mkdir -p {DEBS}.new; cd {DEBS}.new
fetch {PACKAGES} "$1/{PACKAGES}"
for file in $(sed -n 's/^Filename: //p' {PACKAGES}); do
  mkdir -p "$(dirname "$file")"; fetch "$file" "$1/$file"
done
chmod 0711 {ROOT}; rm -rf {DEBS}; mv {DEBS}.new {DEBS}
"""
_CLEAN = """
for path; do rm -f -- "$0$path" "$path.helicon"; done
find "$0" -depth -type d -empty -delete 2>/dev/null; exit 0
"""


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file: its path in the bundle, its sha256, and its mode as four octal digits."""

    artifact: str
    sha256: str
    mode: str = "0755"


@dataclass(frozen=True, kw_only=True)
class ArtifactsState:
    """Artifacts by their path on the machine (None: absent), and the sum of the packages' index."""

    source: str
    files: dict[str, Artifact | None] = field(default_factory=dict)
    debs: str | None = ""
    """Empty: not managed."""


class Artifacts(Thing[ArtifactsState]):
    """Files of a bundle, known by their sums; where they come from may change without a change here."""

    name = "artifacts"

    def parse(self, value: Json) -> ArtifactsState:
        """From {"source", "files": {"path": {"artifact", "sha256", "mode"}}, "debs"}."""
        given = cast(dict[str, Json], value)
        files = cast(dict[str, dict[str, str] | str], given.get("files", {}))
        debs = str(given.get("debs", ""))
        return ArtifactsState(
            source=str(given.get("source", "")),
            files={path: None if isinstance(one, str) else Artifact(**one) for path, one in files.items()},
            debs=None if debs == ABSENT else debs,
        )

    def render(self, state: ArtifactsState) -> Json:
        """To the same shape."""
        files: dict[str, Json] = {
            path: {"artifact": one.artifact, "sha256": one.sha256, "mode": one.mode} if one else ABSENT
            for path, one in state.files.items()
        }
        return {"source": state.source, "files": files, "debs": ABSENT if state.debs is None else state.debs}

    def questions(self, managed: ArtifactsState) -> Sequence[Argv]:
        """The sums of all files, from their stamps where these hold."""
        return [("sh", "-c", _SUMS, "sums", *sorted(managed.files))]

    def observe(self, site: Site, managed: ArtifactsState) -> ArtifactsState:
        """The sums and modes found."""
        (answer,) = site.host.ask(self.questions(managed))
        found, debs = parse_sums(answer.text)
        files = {path: _seen(found.get(path), one) for path, one in managed.files.items()}
        return replace(managed, files=files, debs=debs if managed.debs != "" else "")

    def plan(self, current: ArtifactsState, desired: ArtifactsState) -> list[Change]:
        """One change for each sum and each mode that differs."""
        return differences(_flat(current), _flat(desired))

    def apply(self, site: Site, changes: Sequence[Change], desired: ArtifactsState) -> None:
        """Bring and place what differs; nothing is placed before its sum was checked."""
        fields = {change.field for change in changes}
        paths = [path for path in sorted(desired.files) if fields & {path, f"{path}.mode"}]
        if paths:
            site.journal.keep_files(paths)
            site.host.run(["mkdir", "-p", *sorted({path.rpartition("/")[0] for path in paths})])
        wanted = {path: one for path in paths if (one := desired.files[path])}
        _place(site, desired.source, wanted, [path for path in wanted if path in fields])
        if "debs" in fields and desired.debs:
            _place_debs(site, desired.source, desired.debs)

    def remove(self, site: Site, managed: ArtifactsState) -> None:
        """The former files, and no stamps."""
        paths = sorted(managed.files)
        if paths:
            site.host.run(["sh", "-c", _CLEAN, STAMPS, *paths])
            site.journal.restore_files(paths)
        if managed.debs != "":
            site.host.run(["rm", "-rf", DEBS, f"{DEBS}.new"])

    def minus(self, old: ArtifactsState, new: ArtifactsState) -> ArtifactsState | None:
        """The files that are no longer listed, and the packages where they are no longer wanted."""
        gone = {path: one for path, one in old.files.items() if path not in new.files}
        debs = old.debs if new.debs == "" else ""
        return ArtifactsState(source=old.source, files=gone, debs=debs) if gone or debs != "" else None


def parse_sums(text: str) -> tuple[dict[str, tuple[str, str]], str | None]:
    """Sum and mode (four digits) by path, and the sum of the packages' index."""
    files, debs = {}, None
    for line in text.splitlines():
        digest, mode, path = line.split(" ", 2)
        if path == f"{DEBS}/{PACKAGES}" and not mode:
            debs = digest
        else:
            files[path] = (digest, mode.zfill(4))
    return files, debs


def _seen(found: tuple[str, str] | None, managed: Artifact | None) -> Artifact | None:
    if found is None:
        return None
    return Artifact(artifact=managed.artifact if managed else "", sha256=found[0], mode=found[1])


def _flat(state: ArtifactsState) -> dict[str, object]:
    sums: dict[str, object] = {path: one and one.sha256 for path, one in state.files.items()}
    modes = {f"{path}.mode": one and one.mode for path, one in state.files.items()}
    return {**sums, **modes, "debs": state.debs}


def _place(site: Site, source: str, wanted: Mapping[str, Artifact], new: Sequence[str]) -> None:
    """Bring the new ones, then put all in place in one command; of the others only the mode changes."""
    parcels = [
        delivery.Parcel(artifact=wanted[path].artifact, sha256=wanted[path].sha256, target=f"{path}.helicon")
        for path in new
    ]
    if parcels:
        site.say(f"{len(parcels)} files of the bundle")
        delivery.bring(site.host, source, parcels)
    words = [(path, one.sha256 if path in new else "", one.mode) for path, one in wanted.items()]
    if words:
        script = ["sh", "-c", _PLACE, "place", *(word for three in words for word in three)]
        check(site.host, "artifacts", site.host.run(script, timeout=delivery.TIMEOUT, check=False))


def _place_debs(site: Site, source: str, digest: str) -> None:
    site.say("packages of the bundle")
    if is_url(source):
        script = ["sh", "-c", _DOWNLOAD_DEBS, "download", place(source, _DEBS_IN_BUNDLE)]
        check(site.host, DEBS, site.host.run(script, timeout=delivery.TIMEOUT, check=False))
        return
    index = delivery.local(site.host, source, f"{_DEBS_IN_BUNDLE}/{PACKAGES}", digest)
    site.host.run(["mkdir", "-p", ROOT])
    with _packed(index.parent) as archive:
        site.host.upload(archive, f"{DEBS}.tar")
    script = ["sh", "-c", _UNPACK, "unpack", f"{DEBS}.tar"]
    check(site.host, DEBS, site.host.run(script, timeout=delivery.TIMEOUT, check=False))


@contextmanager
def _packed(directory: Path) -> Iterator[Path]:
    """The directory as one tar file, so that many small files make one stream."""
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(directory, arcname=".")
        file.flush()
        yield Path(file.name)
