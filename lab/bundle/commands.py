"""The commands of the bundle, built by go from the modules that go.mod and go.sum pin."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.bundle.progress import tell
from lab.bundle.recipe import OMITTED_BACKENDS, RENAMED, SOURCES, Architecture, link_flags
from lab.errors import LabError
from lab.shell import SHOWN_LINES, text

LIMIT = 3600
"""Seconds after which a build is given up; with nothing cached it takes about six minutes on two cores."""
FLANNEL = "github.com/flannel-io/flannel"
OWN = ("./coredns", "./flanneld", "./pause")
"""Commands whose main package is ours; flanneld's is made from upstream's when it is built."""


def build(target: Path, architecture: Architecture, packages: Sequence[str] = ("tool", *OWN)) -> None:
    """Build the commands into a directory, all at once, so that they share what they have in common."""
    _require_go()
    with tempfile.TemporaryDirectory(prefix="helicon-flanneld-") as scratch:
        overlay = _overlay(Path(scratch))
        flags = ["-overlay", str(overlay), "-ldflags", link_flags()]
        _go(SOURCES, [*flags, "-o", f"{target}/", *packages], architecture, watched=target)
    for name, called in RENAMED.items():
        if (target / name).is_file():
            (target / name).rename(target / called)


def build_flannel_plugin(target: Path, architecture: Architecture) -> None:
    """Build flannel's CNI plugin, from an older release of the plugins, the last that has it."""
    arguments = ["-ldflags", "-s -w", "-o", f"{target}/", "tool"]
    _go(SOURCES / "flannel-cni", arguments, architecture, watched=target)


def _require_go() -> None:
    wanted = next(line for line in (SOURCES / "go.mod").read_text().splitlines() if line.startswith("go "))
    if shutil.which("go") is None:
        raise LabError(
            item="go",
            expected=f"{wanted} or newer in PATH",
            found="no go",
            next_step="install Go, then python -m lab.bundle.build",
        )


def _go(module: Path, arguments: Sequence[str], architecture: Architecture, *, watched: Path) -> None:
    """Run `go build` at low priority, tell of each command as it is done, and show the end of what failed."""
    argv = ["nice", "-n", "5", "go", "build", "-trimpath", "-buildvcs=false", *arguments]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(argv, cwd=module, env=_environment(architecture), stdout=said, stderr=said)
        try:
            status = _follow(process, watched)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    if status:
        raise LabError(
            item=f"go build in {module}",
            expected="status 0",
            found=f"{status}: " + "\n".join(lines[-SHOWN_LINES:]),
            next_step=f"cd {module} && go mod download",
        )


def _follow(process: subprocess.Popen[bytes], watched: Path) -> int:
    """Wait for go, and tell of each command that is linked; raises TimeoutExpired after the limit."""
    seen = {path.name for path in watched.iterdir()}
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            status = process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                raise
            status = None
        names = {path.name for path in watched.iterdir()}
        if names - seen:
            tell(f"built {', '.join(sorted(RENAMED.get(name, name) for name in names - seen))}")
        seen = names
        if status is not None:
            return status


def _environment(architecture: Architecture) -> Mapping[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": architecture, "GOWORK": "off"}


def _overlay(scratch: Path) -> Path:
    """Put upstream's flanneld without the omitted backends in the place of our missing ./flanneld."""
    download = ["go", "-C", str(SOURCES), "mod", "download", "-json", FLANNEL]
    upstream = Path(json.loads(text(download, timeout=300))["Dir"]) / "main.go"
    main = scratch / "main.go"
    main.write_text(without_backends(upstream.read_text()))
    overlay = scratch / "overlay.json"
    overlay.write_text(json.dumps({"Replace": {str(SOURCES / "flanneld" / "main.go"): str(main)}}))
    return overlay


def without_backends(source: str) -> str:
    """flanneld's main package without the imports that register the omitted backends."""
    for backend in OMITTED_BACKENDS:
        line = f'\t_ "{FLANNEL}/pkg/backend/{backend}"\n'
        if line not in source:
            raise LabError(
                item="main.go of flannel",
                expected=f"an import of its backend {backend}",
                found="none",
                next_step="compare OMITTED_BACKENDS in lab/bundle/recipe.py with flannel's main.go",
            )
        source = source.replace(line, "")
    return source
