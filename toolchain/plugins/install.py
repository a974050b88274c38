"""Puts launchers of our own plugins where the engine looks for plugins.

`python -m toolchain.plugins.install PULUMI_HOME` writes, for each plugin,
`PULUMI_HOME/plugins/resource-NAME-vVERSION/pulumi-resource-NAME`, with the versions of the installed SDKs.
"""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import sys
import tempfile
from pathlib import Path

PACKAGES = {"tls": "pulumi-tls", "kubernetes": "pulumi-kubernetes", "command": "pulumi-command"}
"""Plugins of our own, and the Python packages whose versions ask for them."""
SHEBANG = b"#!/bin/sh\n"
"""How our launchers begin; the official plugins are binaries."""
REPOSITORY = Path(__file__).parent.parent.parent


def install(pulumi_home: Path, python: Path, repository: Path) -> list[str]:
    """Write the launchers; return a line for each plugin that says what was done."""
    return [_install(pulumi_home, python, repository, name, package) for name, package in PACKAGES.items()]


def _install(pulumi_home: Path, python: Path, repository: Path, name: str, package: str) -> str:
    version = importlib.metadata.version(package)
    directory = pulumi_home / "plugins" / f"resource-{name}-v{version}"
    directory.mkdir(parents=True, exist_ok=True)
    launcher = _launcher(python, repository, name)
    program = directory / f"pulumi-resource-{name}"
    if program.exists() and not program.read_bytes().startswith(SHEBANG):
        return f"plugin {name} v{version}: the official one is there and stays"
    wrote = _write(program, launcher.encode(), 0o755)
    # what a half-finished download of the official plugin leaves makes the engine ignore the directory
    directory.with_name(f"{directory.name}.partial").unlink(missing_ok=True)
    return f"own plugin {name} v{version}: {'installed' if wrote else 'is there'}"


def _launcher(python: Path, repository: Path, name: str) -> str:
    run = f'exec {shlex.quote(str(python))} -u -m toolchain.plugins.{name} "$@"'
    path = f"PYTHONPATH={shlex.quote(str(repository))}${{PYTHONPATH:+:$PYTHONPATH}}"
    return f"{SHEBANG.decode()}{path}\nexport PYTHONPATH\n{run}\n"


def _write(path: Path, content: bytes, mode: int) -> bool:
    """Write a file at once or not at all; return whether it had to be written."""
    if path.exists() and path.read_bytes() == content and path.stat().st_mode & 0o777 == mode:
        return False
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    Path(partial).chmod(mode)
    Path(partial).replace(path)
    return True


if __name__ == "__main__":
    for line in install(Path(sys.argv[1]), Path(sys.executable), REPOSITORY):
        print(line)
