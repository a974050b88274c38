"""The boards' operating system: a minimal Debian made once and kept, keyed by what it is made of."""

from __future__ import annotations

import hashlib
import os
import shlex
from pathlib import Path

from lab import engine, places
from lab.shell import run, say, text

SUITE = "trixie"
PACKAGES = (
    "systemd", "systemd-sysv", "systemd-timesyncd", "dbus", "libpam-systemd", "openssh-server", "sudo",
    "iproute2", "procps", "ca-certificates", "openssl", "kmod", "hostname", "snoopy",
)  # fmt: skip
"""A board fresh from the imager, plus snoopy, which keeps the record of commands."""
SOURCES = Path(__file__).parent / "image"
REPOSITORY = "helicon-board"
CHANGES = ('ENTRYPOINT ["/usr/lib/helicon-lab/boot"]', "ENV container=docker")
"""systemd learns from the environment that it is in a container."""
BUILD_SECONDS = 1200.0


def digest() -> str:
    """Sixteen hexadecimal digits over everything that the image is made of."""
    hashed = hashlib.sha256("\n".join([SUITE, *PACKAGES, *CHANGES, architecture()]).encode())
    for path in sorted(SOURCES.iterdir()):
        hashed.update(path.name.encode() + b"\0" + path.read_bytes())
    return hashed.hexdigest()[:16]


def architecture() -> str:
    """Debian's name of this machine's architecture, which is the boards'."""
    return text(["dpkg", "--print-architecture"])


def reference() -> str:
    """The image's name in our daemon."""
    return f"{REPOSITORY}:{digest()}"


def make() -> str:
    """Make the image unless the daemon has it; returns its name."""
    name = reference()
    if engine.docker("image", "inspect", name, check=False).returncode == 0:
        return name
    base = _base()
    say("lab: importing the boards' image")
    changes = [part for change in CHANGES for part in ("--change", change)]
    engine.docker("import", *changes, str(base), name, timeout=600)
    return name


def _base() -> Path:
    target = places.cache() / "boards" / f"base-{digest()}.tar"
    if target.exists():
        return target
    say(f"lab: making a minimal Debian {SUITE} for the boards (about a minute)")
    files = _files()
    hook = f'sh {shlex.quote(str(SOURCES / "customize"))} "$1" {shlex.quote(str(files))}'
    for former in target.parent.glob("partial-*.tar"):
        former.unlink()
    # a name of its own: what an interrupted run started may still be writing
    partial = target.with_name(f"partial-{os.getpid()}.tar")
    options = ["--mode=root", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    argv = ["mmdebstrap", *options, f"--customize-hook={hook}", SUITE, str(partial), *mirror()]
    run(argv, timeout=BUILD_SECONDS)
    partial.rename(target)
    return target


def _files() -> Path:
    directory = places.cache() / "boards" / f"files-{digest()}"
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
