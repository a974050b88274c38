"""Image archives in OCI layout, byte for byte the same from the same files, with layers packed by zstd."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.shell import run

MEDIA = "application/vnd.oci.image"
"""The start of the media types of the OCI image specification, version 1.1."""
LEVEL = "-9"
"""Of zstd: higher levels cost minutes of CPU and save few percent."""
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file, a link (with its target) or, with neither content nor link, a directory in a layer."""

    path: str
    mode: int = 0o755
    content: bytes | Path | None = None
    link: str | None = None


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A packed layer: its file, that file's digest, and the digest of what is packed (sha256:...)."""

    file: Path
    digest: str
    diff_id: str


def sha256(path: Path) -> str:
    """The sum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def layer(entries: Iterable[Entry], target: Path) -> Layer:
    """Write the entries, and the directories above them, as a packed layer."""
    raw = target.with_suffix(".raw")
    with tarfile.open(raw, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in _with_parents(entries):
            _add(tar, entry)
    diff_id = sha256(raw)
    run(["zstd", "--quiet", "--force", "-T0", LEVEL, str(raw), "-o", str(target)], timeout=600)
    raw.unlink()
    return Layer(file=target, digest=f"sha256:{sha256(target)}", diff_id=f"sha256:{diff_id}")


def image(
    target: Path, *, ref: str, architecture: str, layers: Iterable[Layer], config: Mapping[str, object]
) -> None:
    """Write an archive that `ctr images import` takes; `config` as in the specification (Entrypoint, ...)."""
    parts = list(layers)
    content = _json(_config(architecture, parts, config))
    manifest = _json(_manifest(content, parts))
    described = _described(f"{MEDIA}.manifest.v1+json", manifest)
    names = {"io.containerd.image.name": ref, "org.opencontainers.image.ref.name": ref.rsplit(":", 1)[-1]}
    listed = {**described, "platform": {"architecture": architecture, "os": "linux"}, "annotations": names}
    index = {"schemaVersion": 2, "manifests": [listed]}
    blobs = {_digest(content): content, _digest(manifest): manifest}
    files: list[Entry] = [
        Entry(path="oci-layout", mode=0o644, content=_json({"imageLayoutVersion": "1.0.0"})),
        Entry(path="index.json", mode=0o644, content=_json(index)),
        *(Entry(path=_blob(digest), mode=0o644, content=data) for digest, data in blobs.items()),
        *(Entry(path=_blob(part.digest), mode=0o644, content=part.file) for part in parts),
    ]
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in _with_parents(files):
            _add(tar, entry)


def _config(architecture: str, layers: list[Layer], config: Mapping[str, object]) -> dict[str, object]:
    return {
        "created": EPOCH,
        "architecture": architecture,
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [part.diff_id for part in layers]},
    }


def _manifest(config: bytes, layers: list[Layer]) -> dict[str, object]:
    packed = [
        {"mediaType": f"{MEDIA}.layer.v1.tar+zstd", "digest": part.digest, "size": part.file.stat().st_size}
        for part in layers
    ]
    return {
        "schemaVersion": 2,
        "mediaType": f"{MEDIA}.manifest.v1+json",
        "config": _described(f"{MEDIA}.config.v1+json", config),
        "layers": packed,
    }


def _described(media: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _with_parents(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries in the order of their paths, each once, after the directories that they are in."""
    known = {entry.path.strip("/"): entry for entry in entries}
    for path in list(known):
        for parent in Path(path).parents:
            if parent != Path():
                known.setdefault(str(parent), Entry(path=str(parent)))
    return (known[path] for path in sorted(known))


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    """Add an entry that belongs to root and has no time, so that only the content tells two apart."""
    info = tarfile.TarInfo(entry.path.strip("/"))
    info.mode = entry.mode
    if entry.link is not None:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
        tar.addfile(info)
    elif entry.content is None:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    elif isinstance(entry.content, Path):
        info.size = entry.content.stat().st_size
        with entry.content.open("rb") as file:
            tar.addfile(info, file)
    else:
        info.size = len(entry.content)
        tar.addfile(info, io.BytesIO(entry.content))
