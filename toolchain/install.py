"""Pulumi for this machine: the official one where it can be had, else one from package registries.

`python -m toolchain.install` ends by printing the directory that must come first on PATH, or
nothing where the machine's own `pulumi` serves.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

from toolchain import engine_build
from toolchain.plugins.install import install as install_plugins

DOWNLOADS = "https://get.pulumi.com/"
"""Where the official CLI and plugins come from."""
REPOSITORY = Path(__file__).parent.parent


def cache() -> Path:
    """Where built things are kept between clones."""
    return Path(os.environ.get("HELICON_CACHE") or Path.home() / ".cache" / "helicon")


def official() -> bool:
    """Whether this machine has a `pulumi` and can download the official plugins."""
    if os.environ.get("HELICON_TOOLCHAIN") == "own" or shutil.which("pulumi") is None:
        return False
    try:
        with urllib.request.urlopen(DOWNLOADS, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def engine_directory() -> Path:
    """The directory of the built engine, named after what it is built from."""
    parts = [*sorted(engine_build.HERE.glob("*/go.*")), Path(engine_build.__file__)]
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]
    return cache() / "toolchain" / digest / "bin"


def install(pulumi_home: Path) -> Path:
    """Build what is missing and put our plugins into `pulumi_home`; the directory for PATH."""
    target = engine_directory()
    if not (target / ".complete").exists():
        if shutil.which("go") is None:
            raise SystemExit("toolchain: Go 1.24 or newer is needed to build the Pulumi engine: install `go`")
        engine_build.build(target, _say)
        (target / ".complete").touch()
    _say("own engine and plugins are used here: Pulumi's download site cannot be reached")
    for line in install_plugins(pulumi_home, Path(sys.executable), REPOSITORY):
        _say(line)
    return target


def _say(line: str) -> None:
    print(f"toolchain: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    if official():
        _say("the official Pulumi CLI and plugins are used")
    else:
        print(install(Path(sys.argv[1])))
