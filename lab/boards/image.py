"""The boards' operating system: a minimal Debian made once and kept, keyed by what it is made of."""

from __future__ import annotations

import hashlib
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from lab import engine, places
from lab.boards.plan import DRESSES, Board
from lab.shell import run, say, text

PACKAGES = (
    "systemd", "systemd-sysv", "systemd-timesyncd", "dbus", "libpam-systemd", "openssh-server", "sudo",
    "iproute2", "procps", "ca-certificates", "openssl", "kmod", "hostname", "snoopy",
)  # fmt: skip
"""A board fresh from the imager, plus snoopy, which keeps the record of commands."""
NETWORKS = ("ifupdown", "dhcpcd", "network-manager", "netplan.io")
"""Ways to have a network besides systemd-networkd; a board's dress turns one of them on."""
FAMILIES = (*NETWORKS, "dphys-swapfile", "grub2-common", "locales", "keyboard-configuration")
"""What the families of boards bring along, beside what Debian itself has."""
SOURCES = Path(__file__).parent / "image"
REPOSITORY = "helicon-board"
CHANGES = ('ENTRYPOINT ["/usr/lib/helicon-lab/boot"]', "ENV container=docker")
"""systemd learns from the environment that it is in a container."""
BUILD_SECONDS = 1200.0


@dataclass(frozen=True, kw_only=True)
class System:
    """What a board's disk is made from: a suite of Debian, and packages."""

    suite: str = "trixie"
    packages: tuple[str, ...] = PACKAGES


def system_of(board: Board) -> System:
    """The system below a board's dress."""
    if not board.dress:
        return System()
    return System(suite=DRESSES[board.dress], packages=(*PACKAGES, *FAMILIES))


def digest(system: System) -> str:
    """Sixteen hexadecimal digits over everything that the image is made of."""
    hashed = hashlib.sha256("\n".join([system.suite, *system.packages, *CHANGES, architecture()]).encode())
    for path in sorted(SOURCES.iterdir()):
        hashed.update(path.name.encode() + b"\0" + path.read_bytes())
    return hashed.hexdigest()[:16]


def architecture() -> str:
    """Debian's name of this machine's architecture, which is the boards'."""
    return text(["dpkg", "--print-architecture"])


def make(system: System) -> str:
    """Make the image unless the daemon has it; returns its name."""
    name = f"{REPOSITORY}:{digest(system)}"
    if engine.docker("image", "inspect", name, check=False).returncode == 0:
        return name
    base = _base(system)
    say("lab: importing the boards' image")
    changes = [part for change in CHANGES for part in ("--change", change)]
    engine.docker("import", *changes, str(base), name, timeout=600)
    return name


def _base(system: System) -> Path:
    target = places.cache() / "boards" / f"base-{digest(system)}.tar"
    if target.exists():
        return target
    say(f"lab: making a minimal Debian {system.suite} for boards (about a minute)")
    files = _files(digest(system))
    hook = f'sh {shlex.quote(str(SOURCES / "customize"))} "$1" {shlex.quote(str(files))}'
    for former in target.parent.glob("partial-*.tar"):
        former.unlink()
    # a name of its own: what an interrupted run started may still be writing
    partial = target.with_name(f"partial-{os.getpid()}.tar")
    options = ["--mode=root", "--variant=minbase", f"--include={','.join(system.packages)}"]
    argv = ["mmdebstrap", *options, f"--customize-hook={hook}", system.suite, str(partial), *mirror()]
    run(argv, timeout=BUILD_SECONDS)
    partial.rename(target)
    return target


def _files(key: str) -> Path:
    directory = places.cache() / "boards" / f"files-{key}"
    directory.mkdir(parents=True, exist_ok=True)
    for path in SOURCES.iterdir():
        (directory / path.name).write_bytes(path.read_bytes())
    library, source = directory / "clock.so", directory / "clock.c"
    run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(library), str(source)])
    return directory


def mirror() -> list[str]:
    """The Debian mirror that apt on this machine uses; none, and mmdebstrap uses its own."""
    listed = text(["apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(CODENAME) $(REPO_URI)"])
    return parse_mirror(listed)


def parse_mirror(listed: str) -> list[str]:
    """The first archive of Debian's main component that is not one of updates or security."""
    for line in listed.splitlines():
        origin, component, codename, uri = line.split(maxsplit=3)
        if (origin, component) == ("Debian", "main") and "-" not in codename:
            return [uri.rstrip("/")]
    return []
