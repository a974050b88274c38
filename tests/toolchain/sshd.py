"""A real OpenSSH server on loopback, as the test's own process, for the plugin that runs commands."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

LONGEST_START_SECONDS = 10.0
PRIVILEGE_SEPARATION = Path("/run/sshd")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server: where it listens, who may log in with which key, and its own public key."""

    port: int
    user: str
    private_key: str
    host_key: str


@contextmanager
def running(directory: Path, accepted: str = "GOLDEN_*") -> Iterator[Server]:
    """Start sshd with its files in `directory`, taking variables of these names; end it afterwards."""
    program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise AssertionError("no OpenSSH server on this machine. Next: apt-get install openssh-server")
    if os.geteuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    server, config = _configured(directory, accepted)
    process = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=(directory / "log").open("w"))
    try:
        _wait(server.port, process, directory / "log")
        yield server
    finally:
        process.terminate()
        process.wait(LONGEST_START_SECONDS)


def _configured(directory: Path, accepted: str) -> tuple[Server, Path]:
    host_key, user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    host_key.write_private_key(directory / "host_key")
    (directory / "host_key").chmod(0o600)
    user_key.write_public_key(directory / "authorized_keys")
    server = Server(
        port=_free_port(),
        user=getpass.getuser(),
        private_key=user_key.export_private_key().decode(),
        host_key=host_key.export_public_key().decode(),
    )
    lines = (
        f"Port {server.port}", "ListenAddress 127.0.0.1", f"HostKey {directory}/host_key", "PidFile none",
        f"AuthorizedKeysFile {directory}/authorized_keys", "StrictModes no", "UsePAM no",
        "PermitRootLogin yes", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
        f"AcceptEnv {accepted}", "PrintMotd no", "AllowTcpForwarding yes", "UseDNS no",
    )  # fmt: skip
    (directory / "sshd_config").write_text("\n".join(lines) + "\n")
    return server, directory / "sshd_config"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(int(LONGEST_START_SECONDS / 0.05)):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"sshd did not start: {log.read_text()[-500:]}")
