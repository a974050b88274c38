"""What this machine must have: before boards can run on it, and (`python -m lab.machine`) before tests can."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from lab.errors import LabError
from lab.shell import run, say

PROGRAMS = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "runc": "runc",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "iptables": "iptables",
    "gcc": "gcc",
}
"""Program to the Debian package that has it."""
FILES = {
    "/usr/include/unistd.h": "libc6-dev",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
FOR_TESTS = {"sshd": "openssh-server", "ssh": "openssh-client", "ssh-keygen": "openssh-client"}
"""What `make check` starts: servers of its own, on ports of their own."""
ADMIN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INSTANCES = 8192
"""inotify instances for all boards of all labs. With the kernel's 128, the container runtime of the
twelfth board came up without its CRI, and of 50 plain boards some did not start."""
INSTALL_SECONDS = 900.0


def prepare() -> None:
    """Install what is missing, and make room for many boards."""
    _require_root("root", "sudo make lab")
    _install(missing(PROGRAMS, FILES))
    _raise_limits()


def prepare_tests() -> None:
    """Install what is missing of what the tests start; nobody has to be root where nothing is.

    Debian starts the service of an SSH server that it installs; whoever has systemd is told how to end it.
    """
    packages = missing(FOR_TESTS, {})
    if packages:
        _require_root(f"root, as tests need {', '.join(packages)}", "sudo make check")
    _install(packages)
    if "openssh-server" in packages:
        say("its service is not needed here; to end it where it runs: systemctl disable --now ssh")


def _require_root(expected: str, next_step: str) -> None:
    if os.geteuid():
        raise LabError(item="user", expected=expected, found=f"uid {os.geteuid()}", next_step=next_step)


def missing(programs: Mapping[str, str], files: Mapping[str, str]) -> list[str]:
    """The Debian packages to install, sorted: those of programs and files that are not there."""
    lacking = {package for name, package in programs.items() if not _present(name)}
    return sorted(lacking | {package for path, package in files.items() if not Path(path).exists()})


def _present(name: str) -> bool:
    # a docker client elsewhere in PATH may be of another version and without a daemon
    return shutil.which(name, path=ADMIN_PATH) is not None


def _install(packages: list[str]) -> None:
    if not packages:
        return
    say(f"installing {', '.join(packages)}")
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    install = ["apt-get", "install", "--yes", "--no-install-recommends", "--no-remove", *packages]
    if run([*environment, *install], timeout=INSTALL_SECONDS, check=False).returncode:
        run(["apt-get", "update"], timeout=INSTALL_SECONDS)
        run([*environment, *install], timeout=INSTALL_SECONDS)


def _raise_limits() -> None:
    if int(INOTIFY.read_text()) < INSTANCES:
        say(f"lab: raising fs.inotify.max_user_instances to {INSTANCES}")
        INOTIFY.write_text(str(INSTANCES))


if __name__ == "__main__":
    try:
        prepare_tests()
    except LabError as error:
        sys.exit(str(error))
