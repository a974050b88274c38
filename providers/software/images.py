"""Container images imported from archives, so that nothing is pulled."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from providers.core.causes import check
from providers.core.errors import HostError
from providers.core.host import Argv
from providers.core.journal import ROOT
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.software import delivery
from providers.software.bundle import is_url

LABEL = "helicon.archive"
"""The label that holds the sha256 of the archive that an image came from."""
AT_ONCE = 2
"""Imports side by side on one machine: one arrives while another is unpacked."""
OTHER = "(other)"
UNKNOWN = "(unknown: containerd does not answer)"
_NO_PROGRAM = 127
_OTHER_NAME = 66
_PIN = "io.cri-containerd.pinned"
"""With this label kubelet's garbage collection leaves an image alone."""
_SPOOL = f"{ROOT}/images"
_LIST: Argv = ("ctr", "--namespace", "k8s.io", "images", "list")
_IMPORT = f"""
mark=/run/helicon-import-$3
if read -r former 2>/dev/null < "$mark" && grep -qsF -- "$2" "/proc/$former/cmdline"; then kill "$former"; fi
echo $PPID > "$mark"
ctr -n k8s.io images import "$1"; status=$?
rm -f -- "$mark"; [ "$1" = - ] || rm -f -- "$1"; [ $status = 0 ] || exit $status
ctr -n k8s.io images label "$2" {LABEL}="$3" {_PIN}=pinned >/dev/null || exit {_OTHER_NAME}
"""
"""Where a connection ended without a word, the import still waits for the rest, and containerd lets no other
have the same archive. The mark is the process above this shell, `timeout`, which ends what it began."""
_REMOVE = """
systemctl is-active -q containerd || systemctl start containerd || exit
ctr -n k8s.io images remove --sync "$@" >/dev/null
"""
_UNLABEL = f'for ref; do ctr -n k8s.io images label "$ref" {LABEL}= {_PIN}= >/dev/null || exit; done'


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An image archive: its path in the bundle and its sha256 (OTHER: an image of another origin)."""

    archive: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ImagesState:
    """Archives by image reference; None where the machine has no such image."""

    source: str
    refs: dict[str, Archive | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image as containerd lists it: the digest of its manifest, and its labels."""

    digest: str
    labels: dict[str, str]


class Images(Thing[ImagesState]):
    """Images known by the sum of their archive, pinned so that kubelet keeps them."""

    name = "images"

    def parse(self, value: Json) -> ImagesState:
        """From {"source", "refs": {"reference": {"archive", "sha256"}}}."""
        given = cast(dict[str, Json], value)
        refs = cast(dict[str, dict[str, str] | str], given.get("refs", {}))
        archives = {ref: None if isinstance(one, str) else Archive(**one) for ref, one in refs.items()}
        return ImagesState(source=str(given.get("source", "")), refs=archives)

    def render(self, state: ImagesState) -> Json:
        """To the same shape."""
        refs: dict[str, Json] = {
            ref: ABSENT if one is None else {"archive": one.archive, "sha256": one.sha256}
            for ref, one in state.refs.items()
        }
        return {"source": state.source, "refs": refs}

    def questions(self, managed: ImagesState) -> Sequence[Argv]:
        """containerd's list of images."""
        return [_LIST]

    def observe(self, site: Site, managed: ImagesState) -> ImagesState:
        """The sums of the archives that the images came from."""
        (answer,) = site.host.ask([_LIST])
        if not answer.ok and answer.exit_status != _NO_PROGRAM:
            unknown = {ref: Archive(archive=one.archive, sha256=UNKNOWN) for ref, one in _given(managed)}
            return replace(managed, refs={**managed.refs, **unknown})
        found = parse_list(answer.text)
        return replace(managed, refs={ref: _seen(found.get(ref), one) for ref, one in managed.refs.items()})

    def plan(self, current: ImagesState, desired: ImagesState) -> list[Change]:
        """One change for each image that is missing or of another archive."""
        return differences(_sums(current), _sums(desired))

    def apply(self, site: Site, changes: Sequence[Change], desired: ImagesState) -> None:
        """Import what differs, two at once, and pin it."""
        found = _list(site)
        wanted = {change.field: one for change in changes if (one := desired.refs[change.field])}
        before = {ref: "present" if ref in found else "absent" for ref in wanted}
        site.journal.remember(self.name, before)
        if is_url(desired.source):
            site.host.run(["mkdir", "-p", _SPOOL])
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(_import, site, desired.source, ref, one) for ref, one in wanted.items()]:
                done.result()
        site.host.run(["rm", "-rf", _SPOOL])  # what an interrupted run left in it, too

    def remove(self, site: Site, managed: ImagesState) -> None:
        """Remove the images that were not there before, and unpin the others."""
        before = site.journal.recall(self.name, managed.refs)
        found = _list(site)
        brought = [ref for ref, was in before.items() if was == "absent"]
        gone = parse_family(found, brought)
        if gone:
            done = site.host.run(["sh", "-c", _REMOVE, "remove", *gone], timeout=300, check=False)
            check(site.host, f"images {' '.join(gone)}", done)
        kept = sorted(set(found) & (set(before) - set(brought)))
        if kept:
            site.host.run(["sh", "-c", _UNLABEL, "unlabel", *kept])
        site.host.run(["rm", "-rf", _SPOOL])
        site.journal.forget(self.name, before)

    def minus(self, old: ImagesState, new: ImagesState) -> ImagesState | None:
        """The images that are no longer listed."""
        gone = {ref: one for ref, one in old.refs.items() if ref not in new.refs}
        return ImagesState(source=old.source, refs=gone) if gone else None


def parse_list(text: str) -> dict[str, Image]:
    """The images in `ctr images list`: REF TYPE DIGEST SIZE PLATFORMS LABELS, labels as a=b,c=d."""
    lines = [line.split() for line in text.splitlines()[1:]]
    return {
        words[0]: Image(digest=words[2], labels=dict(_pair(label) for label in words[-1].split(",")))
        for words in lines
        if len(words) > 4
    }


def parse_family(found: dict[str, Image], refs: Sequence[str]) -> list[str]:
    """The references to remove: those given, and those by digest that kubelet's runtime made of them.

    An image lives as long as one reference does. One by digest stays when it is also someone else's.
    """
    mine = {found[ref].digest for ref in refs if ref in found}
    others = {image.digest for ref, image in found.items() if ref not in refs and not _is_digest(ref)}
    by_digest = {ref for ref, image in found.items() if _is_digest(ref) and image.digest in mine - others}
    return sorted(by_digest | (set(refs) & set(found)))


def _is_digest(ref: str) -> bool:
    return ref.startswith("sha256:") or "@sha256:" in ref


def _pair(label: str) -> tuple[str, str]:
    key, _, value = label.partition("=")
    return key, value


def _list(site: Site) -> dict[str, Image]:
    (answer,) = site.host.ask([_LIST])
    return parse_list(answer.text) if answer.ok else {}


def _given(state: ImagesState) -> list[tuple[str, Archive]]:
    return [(ref, one) for ref, one in state.refs.items() if one]


def _seen(image: Image | None, managed: Archive | None) -> Archive | None:
    if image is None:
        return None
    archive = managed.archive if managed else ""
    return Archive(archive=archive, sha256=image.labels.get(LABEL, OTHER))


def _sums(state: ImagesState) -> dict[str, str | None]:
    return {ref: one.sha256 if one else None for ref, one in state.refs.items()}


def _import(site: Site, source: str, ref: str, one: Archive) -> None:
    site.say(f"image {ref}")
    archive, given = _archive(site, source, one)
    script = ["sh", "-c", _IMPORT, "import", archive, ref, one.sha256]
    done = site.host.run(script, stdin=given, timeout=delivery.TIMEOUT, check=False)
    if done.exit_status == _OTHER_NAME:
        raise HostError(
            host=str(site.host),
            item=one.archive,
            expected=f"an archive of {ref}",
            found=done.text,
            next_step="build the bundle again, or correct `images` in its manifest",
        )
    check(site.host, f"image {ref} from {one.archive}", done)


def _archive(site: Site, source: str, one: Archive) -> tuple[str, bytes | Path]:
    """Where the machine finds an archive, and what it is given: one that is here is on no disk there.

    containerd holds every layer that it unpacks against the digest in the image's own configuration.
    """
    if not is_url(source):
        return "-", delivery.local(site.host, source, one.archive, one.sha256)
    spooled = f"{_SPOOL}/{one.sha256}.tar"
    parcel = delivery.Parcel(artifact=one.archive, sha256=one.sha256, target=spooled)
    delivery.bring(site.host, source, [parcel])
    return spooled, b""
