"""The manifest of a bundle: every file with its sum and size, and what each image archive is called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lab.bundle.archive import sha256
from providers.software.bundle import MANIFEST, SUMS, Bundle, BundleError, verified

DEBS = "debs"
"""The apt repository of a bundle."""


def write(
    bundle: Path, *, version: str, kubernetes: str, architecture: str, images: Mapping[str, str]
) -> None:
    """Sum up all files of a bundle; the manifest is written last, so that only a whole bundle has one."""
    (bundle / MANIFEST).unlink(missing_ok=True)
    sums = {name: sha256(bundle / name) for name in _names(bundle)}
    manifest = {
        "version": version,
        "kubernetes": kubernetes,
        "architecture": architecture,
        "files": {name: {"sha256": sums[name], "size": (bundle / name).stat().st_size} for name in sums},
        "images": dict(images),
        "debs": DEBS,
    }
    (bundle / SUMS).write_text("".join(f"{found}  {name}\n" for name, found in sums.items()))
    partial = bundle / f".{MANIFEST}"
    partial.write_text(json.dumps(manifest, indent=2) + "\n")
    partial.rename(bundle / MANIFEST)


def problems(bundle: Path, *, version: str, architecture: str) -> list[str]:
    """Why a directory is no sound bundle of a version, each with path, expected and found; or nothing."""
    try:
        found = Bundle.read(str(bundle), architecture)
    except BundleError as error:
        return [str(error)]
    if found.version != version:
        return [f"{bundle / MANIFEST}: expected version {version}, found version {found.version}"]
    return [problem for name, wanted in found.sums.items() if (problem := _problem(bundle, name, wanted))]


def _problem(bundle: Path, name: str, wanted: str) -> str:
    try:
        verified(str(bundle), name, wanted)
    except BundleError as error:
        return str(error)
    return ""


def _names(bundle: Path) -> list[str]:
    files = (path for path in bundle.rglob("*") if path.is_file())
    names = (path.relative_to(bundle).as_posix() for path in files)
    return sorted(name for name in names if name not in (MANIFEST, SUMS, f".{MANIFEST}"))
