"""Files of a bundle: programs placed on the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from providers.core.causes import check
from providers.core.host import Argv
from providers.core.journal import ROOT
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.software import delivery

STAMPS = f"{ROOT}/artifacts"
"""A sum with the size, times and inode of the file that it was computed of.

Hashing three programs of 80 MB takes a small board a second. A file whose stat is the stamp's is
the file that was hashed (a change of its content changes its ctime, which cannot be set), so only
others are hashed again. Observing writes nothing: a stamp is written only with its file.
"""
_STAT = "%a %s %.Y %.Z %i"
_SUMS = f"""
for path; do
  now=$(stat -L -c "{_STAT}" -- "$path" 2>/dev/null) || continue
  sum=; was=; {{ read -r sum was < "{STAMPS}$path"; }} 2>/dev/null
  if [ "$was" != "$now" ]; then sum=$(sha256sum < "$path"); sum=${{sum%% *}}; fi
  printf '%s %s %s\\n' "$sum" "${{now%% *}}" "$path"
done; exit 0
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
    """Artifacts by their path on the machine (None: absent)."""

    source: str
    files: dict[str, Artifact | None] = field(default_factory=dict)


class Artifacts(Thing[ArtifactsState]):
    """Files of a bundle, known by their sums; where they come from may change without a change here."""

    name = "artifacts"

    def parse(self, value: Json) -> ArtifactsState:
        """From {"source", "files": {"path": {"artifact", "sha256", "mode"}}}."""
        given = cast(dict[str, Json], value)
        files = cast(dict[str, dict[str, str] | str], given.get("files", {}))
        return ArtifactsState(
            source=str(given.get("source", "")),
            files={path: None if isinstance(one, str) else Artifact(**one) for path, one in files.items()},
        )

    def render(self, state: ArtifactsState) -> Json:
        """To the same shape."""
        files: dict[str, Json] = {
            path: {"artifact": one.artifact, "sha256": one.sha256, "mode": one.mode} if one else ABSENT
            for path, one in state.files.items()
        }
        return {"source": state.source, "files": files}

    def questions(self, managed: ArtifactsState) -> Sequence[Argv]:
        """The sums of all files, from their stamps where these hold."""
        return [("sh", "-c", _SUMS, "sums", *sorted(managed.files))]

    def observe(self, site: Site, managed: ArtifactsState) -> ArtifactsState:
        """The sums and modes found."""
        (answer,) = site.host.ask(self.questions(managed))
        found = parse_sums(answer.text)
        files = {path: _seen(found.get(path), one) for path, one in managed.files.items()}
        return replace(managed, files=files)

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

    def remove(self, site: Site, managed: ArtifactsState) -> None:
        """The former files, and no stamps."""
        paths = sorted(managed.files)
        if paths:
            site.host.run(["sh", "-c", _CLEAN, STAMPS, *paths])
            site.journal.restore_files(paths)

    def minus(self, old: ArtifactsState, new: ArtifactsState) -> ArtifactsState | None:
        """The files that are no longer listed."""
        gone = {path: one for path, one in old.files.items() if path not in new.files}
        return ArtifactsState(source=old.source, files=gone) if gone else None


def parse_sums(text: str) -> dict[str, tuple[str, str]]:
    """Sum and mode (four digits) by path."""
    lines = (line.split(" ", 2) for line in text.splitlines())
    return {path: (digest, mode.zfill(4)) for digest, mode, path in lines}


def _seen(found: tuple[str, str] | None, managed: Artifact | None) -> Artifact | None:
    if found is None:
        return None
    return Artifact(artifact=managed.artifact if managed else "", sha256=found[0], mode=found[1])


def _flat(state: ArtifactsState) -> dict[str, object]:
    sums: dict[str, object] = {path: one and one.sha256 for path, one in state.files.items()}
    modes = {f"{path}.mode": one and one.mode for path, one in state.files.items()}
    return {**sums, **modes}


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
