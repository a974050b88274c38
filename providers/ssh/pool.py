"""The connections of a process: one for each machine, shared by all that work on it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from providers.ssh.connection import Connection
from providers.ssh.link import Link
from providers.ssh.loop import wait_for
from providers.ssh.ssh_host import SshHost


class Pool:
    """The connections of this process, one for each machine; opened when first used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[tuple[str, Connection], Link] = {}
        self._hosts: dict[tuple[str, Connection], SshHost] = {}

    def host(self, name: str, connection: Connection) -> SshHost:
        """The machine of this name behind this connection; opens nothing."""
        with self._lock:
            if (name, connection) not in self._hosts:
                self._hosts[name, connection] = SshHost(self._link(name, connection))
            return self._hosts[name, connection]

    def learn(self, name: str, connection: Connection) -> str:
        """The host key that the machine shows now, `type base64`; for the user to compare and to trust."""
        with self._lock:
            link = self._link(name, connection)
        return wait_for(link.host_key())

    @contextmanager
    def impatient(self, seconds: int) -> Iterator[None]:
        """Within the block no machine known so far is waited for: one attempt to connect, of so many seconds."""
        with self._lock:
            links = list(self._links.values())
        wait_for(_hasten(links, seconds))
        try:
            yield
        finally:
            wait_for(_hasten(links, None))

    def close(self) -> None:
        """End all connections; a host that is used again opens its own anew."""
        with self._lock:
            links = list(self._links.values())
        wait_for(_close(links))

    def _link(self, name: str, connection: Connection) -> Link:
        if (name, connection) not in self._links:
            # A bastion is a machine of its own, shared by all behind it; its address is its name.
            beyond = connection.bastion
            bastion = self._link(beyond.address, beyond) if beyond else None
            self._links[name, connection] = Link(name=name, connection=connection, bastion=bastion)
        return self._links[name, connection]


async def _hasten(links: Sequence[Link], seconds: int | None) -> None:
    for link in links:
        link.hasten(seconds)


async def _close(links: Sequence[Link]) -> None:
    # Machines first, bastions last: they were asked for in the opposite order.
    for link in reversed(links):
        await link.close()
