"""Which host keys a connection trusts: the one pinned in its settings, else those of a known_hosts file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from providers.core.errors import HostKeyUnknown
from providers.ssh.connection import Connection

ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Host key algorithms in the order they are asked for (OpenSSH's, without SHA-1)."""
_RSA = ("rsa-sha2-512", "rsa-sha2-256")


@dataclass(frozen=True, kw_only=True)
class Trusted:
    """The keys that a machine may show, those it must not, and where this is written."""

    keys: Sequence[asyncssh.SSHKey] = ()
    authorities: Sequence[asyncssh.SSHKey] = ()
    revoked: Sequence[asyncssh.SSHKey] = ()
    pinned_in: str

    @property
    def lines(self) -> list[str]:
        """The trusted keys, each as `type base64`."""
        return [line(key) for key in self.keys]

    @property
    def algorithms(self) -> list[str]:
        """The algorithms to ask the machine for, those of the trusted keys first."""
        types = [key.get_algorithm() for key in self.keys]
        first = [name for kind in types for name in (_RSA if kind == "ssh-rsa" else (kind,))]
        plain = list(dict.fromkeys([*first, *ALGORITHMS]))
        certified = [f"{name}-cert-v01@openssh.com" for name in plain] if self.authorities else []
        return [*certified, *plain]


def trusted(connection: Connection, host: str) -> Trusted:
    """What the connection's settings trust; no key at all when nothing is known of the machine."""
    if connection.host_key:
        return Trusted(keys=[_pinned(connection, host)], pinned_in="host_key in the configuration")
    path = Path(connection.known_hosts).expanduser()
    if not connection.known_hosts or not path.exists():
        return Trusted(pinned_in=connection.known_hosts)
    try:
        return matching(path, connection.address, connection.port)
    except (OSError, ValueError, asyncssh.Error) as error:
        raise HostKeyUnknown(
            host=host,
            item=f"known hosts in {path}",
            expected="a file in OpenSSH's format",
            found=str(error),
            next_step=f"ssh-keygen -l -f {path}",
        ) from None


def recorded(path: Path, address: str, port: int = 22) -> list[str]:
    """The keys, each as `type base64`, that a known_hosts file holds for an address; none without a file."""
    return matching(path, address, port).lines if path.exists() else []


def matching(path: Path, address: str, port: int) -> Trusted:
    """All that a known_hosts file says of an address, hashed entries and [address]:port included."""
    found = asyncssh.read_known_hosts(str(path)).match(address, _ip(address), None if port == 22 else port)
    # An address that is its own name is found twice.
    keys, authorities, revoked = (list(dict.fromkeys(one)) for one in found[:3])
    return Trusted(keys=keys, authorities=authorities, revoked=revoked, pinned_in=str(path))


def line(key: asyncssh.SSHKey) -> str:
    """A public key as `type base64`."""
    return " ".join(key.export_public_key("openssh").decode().split()[:2])


def known_hosts_line(address: str, port: int, key: str) -> str:
    """The line of a known_hosts file that trusts a key, `type base64`, for an address."""
    return f"{entry(address, port)} {key}\n"


def entry(address: str, port: int) -> str:
    """The name under which a known_hosts file holds an address."""
    return address if port == 22 else f"[{address}]:{port}"


def fingerprint(key: str) -> str:
    """The SHA256 fingerprint of a key given as `type base64`, as ssh-keygen -l shows it."""
    return digest(base64.b64decode(key.split()[1]))


def digest(public_data: bytes) -> str:
    """The SHA256 fingerprint of an encoded public key."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(public_data).digest()).decode().rstrip("=")


def _ip(address: str) -> str:
    return address if address.replace(".", "").isdigit() or ":" in address else ""


def _pinned(connection: Connection, host: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(connection.host_key)
    except (ValueError, asyncssh.KeyImportError) as error:
        raise HostKeyUnknown(
            host=host,
            item="host_key",
            expected="one public key, `type base64`, as in /etc/ssh/ssh_host_ed25519_key.pub",
            found=f"{connection.host_key!r} ({error})",
            next_step="correct host_key in the configuration",
        ) from None
