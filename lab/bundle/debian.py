"""Debian packages for the boards: what they depend on, fetched by apt without touching this machine's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.bundle.progress import tell
from lab.bundle.recipe import BOARD_PACKAGES, PACKAGES, SUITE, Architecture
from lab.errors import LabError
from lab.shell import run, text

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""Debian's keys; of the package debian-archive-keyring."""
PROGRAMS = {"zstd": "zstd", "dpkg-scanpackages": "dpkg-dev", "dpkg-deb": "dpkg"}
"""Programs that a build calls, with their packages."""
BOARD = ("?essential", "?priority(required)", "apt", *BOARD_PACKAGES)
"""What a board has, as patterns and names that apt takes."""
FETCH_LIMIT = 900
"""Seconds after which a download is given up."""


def ensure_programs() -> None:
    """Install what a build calls and this machine lacks; needs root and Debian or a relative of it."""
    lacking = sorted(package for program, package in PROGRAMS.items() if shutil.which(program) is None)
    if not KEYRING.is_file():
        lacking.append("debian-archive-keyring")
    if not lacking:
        return
    line = ["apt-get", "install", "--yes", "--no-install-recommends", *lacking]
    if os.geteuid() != 0:
        raise LabError(
            item="programs of the build",
            expected=", ".join(lacking),
            found="not installed",
            next_step="sudo " + " ".join(line),
        )
    tell(f"installing {', '.join(lacking)} on this machine")
    run(["apt-get", "update"], timeout=FETCH_LIMIT)
    run(line, timeout=FETCH_LIMIT)


def mirror() -> str:
    """The mirror that this machine's own apt uses for Debian."""
    lines = _mirrors()
    if not lines and os.geteuid() == 0:  # a fresh machine, whose apt has not fetched its lists yet
        tell("updating this machine's lists of packages")
        run(["apt-get", "update"], timeout=FETCH_LIMIT)
        lines = _mirrors()
    if not lines:
        raise LabError(
            item="mirror of Debian",
            expected="one in this machine's apt configuration, known since its last update",
            found="none",
            next_step="apt-get update, or python -m lab.bundle.build --mirror URI",
        )
    return lines[0]


def _mirrors() -> list[str]:
    asked = ("Created-By: Packages", "Origin: Debian", "Label: Debian")
    return text(["apt-get", "indextargets", "--format", "$(REPO_URI)", *asked]).splitlines()


@dataclass(frozen=True, kw_only=True)
class Apt:
    """An apt of its own: another release and architecture, no package installed, below one directory."""

    home: Path
    architecture: Architecture
    mirror: str

    def update(self) -> None:
        """Fetch the lists of packages."""
        for part in ("state/lists/partial", "cache/archives/partial"):
            (self.home / part).mkdir(parents=True, exist_ok=True)
        (self.home / "status").touch()
        source = f"deb [signed-by={KEYRING}] {self.mirror} {SUITE} main\n"
        (self.home / "sources.list").write_text(source)
        run([*self._apt(), "update"], timeout=FETCH_LIMIT)

    def closure(self, packages: Sequence[str]) -> set[str]:
        """The packages and all that they depend on, each as name=version."""
        argv = [*self._apt(), "install", "--simulate", "--yes", "--no-install-recommends", *packages]
        return set(installed(text(argv, timeout=FETCH_LIMIT)))

    def download(self, packages: Iterable[str], directory: Path) -> None:
        """Fetch packages, each name=version, into a directory; files are named as in Debian's own pool."""
        run(["env", "-C", str(directory), *self._apt(), "download", *sorted(packages)], timeout=FETCH_LIMIT)
        for path in directory.glob("*%3a*.deb"):
            name, version, rest = path.name.split("_")
            path.rename(directory / f"{name}_{version.partition('%3a')[2]}_{rest}")

    def _apt(self) -> list[str]:
        settings = {
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Sandbox::User": "root",
            "APT::Update::Error-Mode": "any",
            "Dir::State": f"{self.home}/state",
            "Dir::State::status": f"{self.home}/status",
            "Dir::Cache": f"{self.home}/cache",
            "Dir::Etc::sourcelist": f"{self.home}/sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
        }
        return ["apt-get", *(f"--option={key}={value}" for key, value in settings.items())]


def installed(simulation: str) -> list[str]:
    """The packages, as name=version, that a simulated apt-get says it would install."""
    lines = (line.split() for line in simulation.splitlines() if line.startswith("Inst "))
    return [f"{words[1]}={words[2].removeprefix('(')}" for words in lines]


def repository(apt: Apt, target: Path) -> None:
    """Fill a directory with what boards install, but do not have, and with the index of a flat repository."""
    board = apt.closure(BOARD)
    lacking = apt.closure([*BOARD, *PACKAGES]) - board
    apt.download(lacking, target)
    index = run(["env", "-C", str(target), "dpkg-scanpackages", "--multiversion", "."], timeout=FETCH_LIMIT)
    (target / "Packages").write_bytes(index.stdout)
