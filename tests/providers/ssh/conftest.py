"""A real OpenSSH server on loopback, and connections to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.ssh.pool import Pool
from providers.ssh.ssh_host import SshHost
from tests.providers.ssh.sshd import Sshd


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    """A server that a test may stop and start."""
    (tmp_path / "server").mkdir()
    with Sshd(tmp_path / "server") as server:
        yield server


@pytest.fixture
def host(pool: Pool, server: Sshd) -> SshHost:
    """A machine on which we are root."""
    return pool.host("cp-1", server.connection())
