"""Build the bundle of artifacts that boards install from: `python -m lab.bundle.build`."""

from __future__ import annotations

import argparse
import hashlib
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.bundle import commands, debian, images, manifest, recipe
from lab.bundle.debian import Apt
from lab.bundle.progress import alone, megabytes, remove, step, tell
from lab.bundle.recipe import Architecture
from lab.errors import LabError
from lab.places import cache
from lab.shell import text

HOST: Mapping[str, Architecture] = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
"""Architectures as Python's platform module calls them, and as Debian, go and images do."""


def build(architecture: Architecture | None = None, output: Path | None = None, mirror: str = "") -> Path:
    """The directory of the whole bundle, by default for this machine; what is there is not built again."""
    architecture = architecture or HOST[platform.machine()]
    target = output or recipe.directory(architecture)
    work = cache() / "bundle" / "build" / architecture
    with alone(work):
        if not _complete(target, architecture):
            debian.ensure_programs()
            _commands(work, architecture)
            _packages(work, architecture, mirror)
            _images(work, architecture)
            _assemble(work, target, architecture)
    tell(f"complete: {target}, {megabytes(target)} MB")
    return target


def _complete(target: Path, architecture: Architecture) -> bool:
    """Whether a sound bundle of this recipe is there; what is wrong with one that is there is told."""
    if not target.exists():
        return False
    found = manifest.problems(target, version=recipe.version(), architecture=architecture)
    for problem in found:
        tell(problem)
    return not found


def _commands(work: Path, architecture: Architecture) -> None:
    inputs = recipe.sources_digest()

    def most(path: Path) -> None:
        commands.build(path, architecture)

    def plugin(path: Path) -> None:
        commands.build_flannel_plugin(path, architecture)

    step(f"commands for {architecture}", work / "bin", inputs, most)
    step(f"flannel's CNI plugin for {architecture}", work / "flannel-cni", inputs, plugin)
    if HOST.get(platform.machine()) == architecture:
        _check_names(work / "bin" / "kubeadm")


def _check_names(kubeadm: Path) -> None:
    """Compare our images' names with those that this kubeadm will ask for."""
    asked = text([str(kubeadm), "config", "images", "list", "--kubernetes-version", recipe.kubernetes()])
    ours = {image.ref for image in recipe.images()}
    if lacking := sorted(set(asked.split()) - ours):
        raise LabError(
            item="names of images",
            expected=f"also {', '.join(lacking)}, which kubeadm {recipe.kubernetes()} asks for",
            found=", ".join(sorted(ours)),
            next_step="set the versions in lab/bundle/recipe.py and lab/bundle/go.mod",
        )


def _packages(work: Path, architecture: Architecture, mirror: str) -> None:
    apt = Apt(home=work / "apt", architecture=architecture, mirror=mirror or debian.mirror())
    debs = _digest(recipe.SUITE, recipe.BOARD_PACKAGES, recipe.PACKAGES)
    base = _digest(recipe.SUITE, recipe.NETWORK_PACKAGES)

    def boards(path: Path) -> None:
        apt.update()
        debian.repository(apt, path)

    def layers(path: Path) -> None:
        apt.update()
        images.packages(apt, path)

    step(f"Debian packages of the boards for {architecture}", work / "debs", debs, boards)
    step(f"Debian packages of the images for {architecture}", work / "base", base, layers)


def _images(work: Path, architecture: Architecture) -> None:
    wanted = recipe.images()
    bases = {name: work / "base" / name for name in ("network", "busybox")}
    step(
        f"images for {architecture}",
        work / "images",
        _digest(recipe.sources_digest(), recipe.SUITE, recipe.NETWORK_PACKAGES, wanted),
        lambda path: images.build(wanted, path, architecture, binaries=work / "bin", bases=bases),
    )


def _assemble(work: Path, target: Path, architecture: Architecture) -> None:
    """Copy what was built, so that nothing that happens to one tree is seen in the other."""
    tell(f"copying to {target}")
    for part in ("bin", "cni", "images", "debs"):
        remove(target / part)
    for name in recipe.HOST_COMMANDS:
        _copy(work / "bin" / name, target / "bin" / name)
    for name in recipe.CNI_PLUGINS:
        built = "flannel-cni" if name == "flannel" else "bin"
        _copy(work / built / name, target / "cni" / name)
    for part in ("images", "debs"):
        shutil.copytree(work / part, target / part)
    manifest.write(
        target,
        version=recipe.version(),
        kubernetes=recipe.kubernetes(),
        architecture=architecture,
        images={image.ref: image.archive for image in recipe.images()},
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def _digest(*inputs: object) -> str:
    return hashlib.sha256(repr(inputs).encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Build as the command line says, and print where the bundle is; 1 when it could not be built."""
    parser = argparse.ArgumentParser(prog="python -m lab.bundle.build", description=__doc__)
    here = HOST.get(platform.machine())
    parser.add_argument("--architecture", choices=recipe.ARCHITECTURES, default=here, required=here is None)
    parser.add_argument("--output", type=Path, help="where the bundle goes, instead of the cache")
    parser.add_argument("--mirror", default="", help="a mirror of Debian, instead of the one apt uses here")
    options = parser.parse_args(arguments)
    try:
        print(build(options.architecture, options.output, options.mirror))
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
