"""The lab's SSH key, and the boards' host keys, read past the network."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from lab import engine, places
from lab.boards.plan import Board, Lab
from lab.shell import run

USER = "pi"
USER_ID = 1000
"""The first user of a Debian system, as `useradd` in the image gives it."""
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"


def identity(lab: Lab) -> Path:
    """The private key of a lab of this clone."""
    return places.state(lab.name) / "ssh" / "id_ed25519"


def known_hosts(lab: Lab) -> Path:
    """The host keys of a lab of this clone."""
    return places.state(lab.name) / f"known_hosts.{lab.name}"


def make(lab: Lab) -> None:
    """Generate the lab's key pair, unless there is one."""
    path = identity(lab)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.with_suffix(".pub").exists():
        path.unlink(missing_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"helicon-{lab.name}", "-f", str(path)])


def public(lab: Lab) -> str:
    """The line for authorized_keys."""
    return identity(lab).with_suffix(".pub").read_text()


def digest(lab: Lab) -> str:
    """What tells boards of this clone from boards of another."""
    return hashlib.sha256(public(lab).encode()).hexdigest()[:16]


def archive(line: str) -> bytes:
    """A tar archive of pi's .ssh directory with one authorized key, to unpack in /home/pi."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, mode, content in ((".ssh", 0o700, None), (".ssh/authorized_keys", 0o600, line.encode())):
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = mode, USER_ID, USER_ID, USER, USER
            entry.size = len(content or b"")
            tar.addfile(entry, io.BytesIO(content or b""))
    return buffer.getvalue()


def host_key(board: Board) -> str:
    """The board's ed25519 host key ("ssh-ed25519 AAAA…"), through the daemon, not the network."""
    (line,) = engine.lines("exec", board.container, "cat", HOST_KEY)
    return " ".join(line.split()[:2])


def render(host_keys: Mapping[str, str]) -> str:
    """The text of a known_hosts file: address to host key."""
    return "".join(f"{address} {key}\n" for address, key in sorted(host_keys.items()))


def write_known_hosts(lab: Lab, host_keys: Mapping[str, str]) -> None:
    """Replace the lab's known_hosts file at once."""
    path = known_hosts(lab)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(render(host_keys))
    partial.rename(path)


def ssh(board: Board, *command: str) -> list[str]:
    """The command line that runs a command on a board as a user would; to be run in the namespace."""
    options = {
        "UserKnownHostsFile": str(known_hosts(board.lab)),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": "5",
        "ServerAliveInterval": "3",
    }
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    return ["ssh", "-F", "none", "-i", str(identity(board.lab)), *flags, f"{USER}@{board.address}", *command]
