"""A machine that is measured on: what it is called, and where it is reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

USER = "pi"
"""Whom all contenders log in as; it becomes root by sudo without a password."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One machine; `own_address` is written to its files, `address` and `port` are where it is reached."""

    name: str
    own_address: str
    address: str
    port: int = 22
    host_key: str = ""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The machines of one measurement, and the files that let all contenders in alike."""

    targets: tuple[Target, ...]
    identity: Path
    known_hosts: Path

    @classmethod
    def of(cls, targets: Sequence[Target], identity: Path, place: Path) -> Fleet:
        """Write the known_hosts that all contenders check host keys by."""
        place.mkdir(parents=True, exist_ok=True)
        known_hosts = place / "known_hosts"
        known_hosts.write_text("".join(_known(one) for one in targets))
        return cls(targets=tuple(targets), identity=identity, known_hosts=known_hosts)

    @property
    def ssh_options(self) -> list[str]:
        """What OpenSSH is told, for contenders that use it."""
        return [
            f"-oUserKnownHostsFile={self.known_hosts}",
            "-oGlobalKnownHostsFile=/dev/null",
            "-oStrictHostKeyChecking=yes",
            "-oBatchMode=yes",
            "-oIdentitiesOnly=yes",
        ]


def _known(one: Target) -> str:
    name = one.address if one.port == 22 else f"[{one.address}]:{one.port}"
    return f"{name} {one.host_key}\n"
