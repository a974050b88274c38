"""A machine that may have one of two addresses: the configured one, or that of the last run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from providers.core.errors import HostKeyUnknown, Unreachable
from providers.core.host import Argv, Completed, Given, Host
from providers.ssh.connection import Connection
from providers.ssh.known_hosts import known_hosts_line, recorded


class FollowingHost(Host):
    """The first of the two that answers, until it is asked to connect again; then only the configured one."""

    def __init__(self, current: Host, former: Host, patience: float, moved: Callable[[], None]) -> None:
        self.name = current.name
        self.address = current.address
        self._current, self._former = current, former
        self._patience = patience
        self._moved = moved
        self._chosen: Host | None = None
        self._choosing = threading.Lock()

    @property
    def arrived(self) -> bool:
        """Whether it has been found at its configured address, so far."""
        return self._chosen is self._current

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Given = b"",
        timeout: float = 60.0,
        check: bool = True,
        secret: bool = False,
    ) -> Completed:
        """Run one command where the machine is."""
        return self._here().run(argv, stdin=stdin, timeout=timeout, check=check, secret=secret)

    def note(self, argv: Sequence[str], *, stdin: bytes = b"") -> Completed:
        """Write this program's own notes where the machine is."""
        return self._here().note(argv, stdin=stdin)

    def ask(self, questions: Sequence[Argv]) -> list[Completed]:
        """Ask where the machine is."""
        return self._here().ask(questions)

    def survey(self, questions: Sequence[Argv]) -> None:
        """Ask where the machine is."""
        self._here().survey(questions)

    def reconnect(self, seconds: float) -> None:
        """Find the machine at its configured address."""
        with self._choosing:
            self._chosen = None
            self._current.reconnect(seconds)
            self._chosen = self._current
            self._moved()

    def upload(self, source: Path, target: str, *, mode: int = 0o644, timeout: float = 600.0) -> None:
        """Upload to where the machine is."""
        self._here().upload(source, target, mode=mode, timeout=timeout)

    def _here(self) -> Host:
        with self._choosing:
            if self._chosen is None:
                self._chosen = self._answering()
            return self._chosen

    def _answering(self) -> Host:
        try:
            self._current.reconnect(self._patience)
        except (Unreachable, HostKeyUnknown) as error:
            try:
                self._former.reconnect(self._patience)
            except Unreachable:
                raise error from None
            return self._former
        self._moved()
        return self._current


def with_known_key(connection: Connection, former: Connection) -> Connection:
    """The connection, trusting the key of the former address where none is known for its own."""
    path = Path(connection.known_hosts).expanduser()
    if connection.host_key or not connection.known_hosts or _recorded(path, connection):
        return connection
    known = [former.host_key] if former.host_key else _recorded(path, former)
    return replace(connection, host_key=known[0]) if known else connection


def keep_key(connection: Connection, trusted: Connection) -> None:
    """Write down the key that the machine has just proved to have at its new address."""
    if trusted.host_key and not connection.host_key:
        path = Path(connection.known_hosts).expanduser()
        if not _recorded(path, connection):
            with path.open("a") as file:
                file.write(known_hosts_line(connection.address, connection.port, trusted.host_key))


def _recorded(path: Path, connection: Connection) -> list[str]:
    return recorded(path, connection.address, connection.port)
