"""Host keys for those who pin them: learned on explicit request, shown, and written to known_hosts."""

from __future__ import annotations

from functools import cache

from providers.ssh.connection import Connection
from providers.ssh.known_hosts import fingerprint, known_hosts_line, recorded
from providers.ssh.pool import Pool

__all__ = ["fingerprint", "known_hosts_line", "learn", "recorded"]


def learn(connection: Connection, name: str = "") -> str:
    """The key that a machine shows now, as `type base64`; for the user to compare, nothing is trusted.

    Goes the way of any connection, through a bastion whose own key must be trusted already.
    """
    return _pool().learn(name or connection.address, connection)


@cache
def _pool() -> Pool:
    """One pool, so that many machines behind one bastion are asked over one connection to it."""
    return Pool()
