"""A bundle of artifacts: a directory, or a web address, with a manifest and a sum for each file.

    manifest.json   {"version", "kubernetes", "architecture", "files": {"bin/kubelet": {"sha256", "size"}},
                     "images": {"registry.k8s.io/pause:3.10.2": "images/pause.tar"}, "debs": "debs" or ""}
    SHA256SUMS      as `sha256sum` writes it, for every file

A source is one bundle or holds one for each architecture in a subdirectory of that name.
"""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
PACKAGES = "Packages"
"""The index of a flat apt repository."""
_FETCH_SECONDS = 20.0


class BundleError(Exception):
    """A bundle that cannot be used: which path, what was expected and found, and what to do next."""

    def __init__(self, *, path: str, expected: str, found: str, next_step: str) -> None:
        self.path = path
        self.expected = expected
        self.found = found
        self.next_step = next_step
        super().__init__(f"{path}: expected {expected}, found {found}. Next: {next_step}")


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What a bundle for one architecture says of itself; sums are hexadecimal sha256."""

    root: str
    version: str
    kubernetes: str
    architecture: str
    sums: Mapping[str, str]
    images: Mapping[str, str]
    debs: str

    @classmethod
    def read(cls, source: str, architecture: str, kubernetes: str = "") -> Bundle:
        """Read the bundle for an architecture (Debian's name) and, where given, a Kubernetes version."""
        root, manifest = _find(source.rstrip("/"), architecture)
        bundle = _parse(root, manifest)
        step = "build the bundle for that architecture"
        _require(root, "architecture", architecture, bundle.architecture, step)
        if kubernetes:
            found = bundle.kubernetes.removeprefix("v")
            step = "build a bundle of that version, or set helicon:cluster.kubernetes to the bundle's"
            _require(root, "kubernetes", kubernetes.removeprefix("v"), found, step)
        return bundle

    def sum(self, artifact: str) -> str:
        """The sha256 of a file of the bundle; raises BundleError for one that it does not have."""
        if artifact not in self.sums:
            raise BundleError(
                path=place(self.root, artifact),
                expected=f"a file that {MANIFEST} or {SUMS} lists",
                found="no such entry",
                next_step="build the bundle again, or correct the artifact's name",
            )
        return self.sums[artifact]

    def debs_sum(self) -> str:
        """The sha256 of the index of the bundle's apt repository; empty where it has none."""
        return self.sum(f"{self.debs}/{PACKAGES}") if self.debs else ""


def is_url(source: str) -> bool:
    """Whether a source is fetched by the machines themselves."""
    return source.startswith(("https://", "http://"))


def place(root: str, artifact: str) -> str:
    """The path or address of a file of a bundle."""
    return f"{root.rstrip('/')}/{artifact}"


def verified(root: str, artifact: str, sha256: str) -> Path:
    """The local file of a bundle, after its sum was checked; raises BundleError."""
    path = Path(place(root, artifact)).expanduser()
    try:
        stat = path.stat()
    except OSError as error:
        raise BundleError(
            path=str(path),
            expected="a file",
            found=error.strerror or str(error),
            next_step="build the bundle again",
        ) from error
    found = _digest(path, stat.st_size, stat.st_mtime_ns)
    if found != sha256:
        raise BundleError(
            path=str(path),
            expected=f"sha256 {sha256}",
            found=f"sha256 {found}",
            next_step=f"cd {root} && sha256sum -c {SUMS}; then copy or build the bundle again",
        )
    return path


@lru_cache(maxsize=1024)
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    """The sum, computed once for a file that all machines get; size and time make it another file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _find(source: str, architecture: str) -> tuple[str, str]:
    for root in (place(source, architecture), source):
        manifest = _text(place(root, MANIFEST))
        if manifest is not None:
            return root, manifest
    raise BundleError(
        path=source,
        expected=f"{architecture}/{MANIFEST} or {MANIFEST}",
        found="neither",
        next_step="set helicon:artifacts.source to a bundle, or leave it out to install from the network",
    )


def _text(path: str) -> str | None:
    """The content of a small file; None where there is none."""
    try:
        if not is_url(path):
            return Path(path).expanduser().read_text()
        with urllib.request.urlopen(path, timeout=_FETCH_SECONDS) as answer:
            return str(answer.read().decode())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise _unreadable(path, error) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: Exception) -> BundleError:
    step = "check the address and the permissions, then run again"
    return BundleError(path=path, expected="a readable file", found=str(error), next_step=step)


def _parse(root: str, manifest: str) -> Bundle:
    try:
        data = json.loads(manifest)
        return Bundle(
            root=root,
            version=str(data["version"]),
            kubernetes=str(data["kubernetes"]),
            architecture=str(data["architecture"]),
            sums={**_listed(root), **_sums(data["files"])},
            images=dict(data["images"]),
            debs=str(data.get("debs") or ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(
            path=place(root, MANIFEST),
            expected="JSON with version, kubernetes, architecture, files and images",
            found=f"{type(error).__name__}: {error}",
            next_step="build the bundle again",
        ) from error


def _sums(files: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(entry["sha256"]) for name, entry in files.items()}


def _listed(root: str) -> dict[str, str]:
    lines = (line.split(maxsplit=1) for line in (_text(place(root, SUMS)) or "").splitlines() if line)
    return {name.removeprefix("*").removeprefix("./"): digest for digest, name in lines}


def _require(root: str, what: str, expected: str, found: str, step: str) -> None:
    if expected != found:
        path = place(root, MANIFEST)
        raise BundleError(path=path, expected=f"{what} {expected}", found=f"{what} {found}", next_step=step)
