"""The pooled connection to one machine: opened when needed, tried again, opened anew when it dropped."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import asyncssh

from providers.core.errors import ConnectionDropped, HostError, NotSsh, Unreachable
from providers.ssh.channel import CHUNK, Channel, NotStarted, Outcome
from providers.ssh.command import Privilege
from providers.ssh.connection import Connection
from providers.ssh.dial import dial, dial_for_key
from providers.ssh.failures import Failures
from providers.ssh.known_hosts import Trusted
from providers.ssh.shell import ARGV as SHELL
from providers.ssh.shell import Shell, fits

T = TypeVar("T")
Dial = Callable[[str, Connection, asyncssh.SSHClientConnection | None], Awaitable[T]]
Input = bytes | AsyncIterator[bytes]
"""What a command reads: all of it, or as it comes."""
SESSIONS = 8
"""Commands at once on one connection; sshd's default MaxSessions is 10."""
_GRACE_SECONDS = 15.0
"""How much longer than the machine itself we wait for a command to be ended."""
_IDLE_SECONDS = 5.0
"""After so long without a command the machine may be gone without a word."""
_HASTY_KEEPALIVE = 2
"""Seconds between signs of life where a machine that hangs shall not be waited for."""
_SESSION_TRIES = 25
_SESSION_PAUSE = 0.2


@dataclass
class Counters:
    """What a machine's connection has cost: connections, round trips, bytes of commands and of output."""

    opened: int = 0
    round_trips: int = 0
    sent: int = 0
    received: int = 0


@dataclass(kw_only=True, eq=False)
class Link:
    """One machine's connection; used on the event loop's thread only."""

    name: str
    connection: Connection
    bastion: Link | None
    counters: Counters = field(default_factory=Counters)
    _open: asyncssh.SSHClientConnection | None = None
    _opening: asyncio.Task[asyncssh.SSHClientConnection] | None = None
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SESSIONS))
    _running: int = 0
    _shell: Shell | None = None
    _at_shell: asyncio.Lock = field(default_factory=asyncio.Lock)
    _given_up: bool = False
    _hasty: int | None = None

    @property
    def host(self) -> str:
        """Name and address, as errors show them."""
        return f"{self.name} ({self.connection.address})"

    async def connected(self) -> asyncssh.SSHClientConnection:
        """The connection; all who wait for it share one attempt and its error."""
        if self._open and not self._open.is_closed():
            return self._open
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._connect())
        return await asyncio.shield(self._opening)

    async def host_key(self) -> str:
        """The key that the machine shows now, trusted or not."""
        return await self._until_deadline(dial_for_key)

    async def execute(
        self, command: Sequence[str], given: Input, privilege: Privilege, seconds: float
    ) -> Outcome:
        """Run one command, which is waited for a little longer than `seconds`.

        In the machine's one shell where that is free and the command fits, else in a session of its
        own. Raises TimeoutError if it then still runs, ConnectionDropped if its end was not seen.
        """
        async with self._slots:
            for attempt in itertools.count(1):
                try:
                    if isinstance(given, bytes) and fits(command, given) and not self._at_shell.locked():
                        outcome = await self._in_shell(command, given, privilege, seconds)
                    else:
                        outcome = await self._alone(command, given, privilege, seconds)
                    break
                except NotStarted as error:
                    await self._before_next(attempt, str(error))
        if outcome.exit_status is None:
            raise self._dropped()
        return outcome

    def hasten(self, seconds: int | None) -> None:
        """From now on try once, for so many seconds, and miss a machine soon; None: as the connection says."""
        self._hasty = seconds
        if self._open and not self._open.is_closed():
            self._open.set_keepalive(self._way.keepalive)

    @property
    def _way(self) -> Connection:
        """The connection, with the patience that there is now."""
        if self._hasty is None:
            return self.connection
        return replace(self.connection, connect_timeout=self._hasty, deadline=0, keepalive=_HASTY_KEEPALIVE)

    async def reconnect(self, seconds: float) -> None:
        """Drop the connection, which may hang, and try for so many seconds to open another."""
        if self._open:
            self._open.abort()
        self._given_up = False
        self._open = await self._until_deadline(dial, seconds)
        self.counters.opened += 1

    async def close(self) -> None:
        """End the connection."""
        if self._opening:
            self._opening.cancel()
        if self._open:
            self._open.close()
            await self._open.wait_closed()

    async def _in_shell(
        self, command: Sequence[str], given: bytes, privilege: Privilege, seconds: float
    ) -> Outcome:
        async with self._at_shell:
            shell = await self._shell_open(privilege)
            before = shell.sent
            try:
                async with self._counted(), asyncio.timeout(seconds + _GRACE_SECONDS):
                    outcome = await shell.command(command, given)
            except BaseException:
                shell.close()  # what it says from here on answers a command that nobody waits for
                raise
            self.counters.sent += shell.sent - before
            self.counters.received += len(outcome.stdout) + len(outcome.stderr)
            return outcome

    async def _shell_open(self, privilege: Privilege) -> Shell:
        """The shell; one that was idle is asked first, for a command that is lost may or may not have run."""
        opened = await self.connected()
        shell = self._shell
        if shell is None or shell.ended or shell.connection is not opened:
            shell = Shell()
            await shell.open(opened, privilege.line(SHELL))
            shell.send(privilege.preface)
            self._shell = shell
        elif asyncio.get_running_loop().time() - shell.used > _IDLE_SECONDS and not await shell.alive():
            opened.abort()
            raise NotStarted("no answer")
        return shell

    async def _alone(
        self, command: Sequence[str], given: Input, privilege: Privilege, seconds: float
    ) -> Outcome:
        channel, line = Channel(), privilege.line(command)
        await channel.open(await self.connected(), line)
        try:
            async with self._counted(), asyncio.timeout(seconds + _GRACE_SECONDS):
                return await channel.talk(_behind(privilege.preface, given))
        finally:
            self.counters.sent += channel.sent + len(line)
            self.counters.received += channel.received

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self._running += 1
        self.counters.round_trips += 1
        try:
            yield
        finally:
            self._running -= 1

    async def _before_next(self, attempt: int, reason: str) -> None:
        """A machine may allow fewer sessions than we use: one is waited for, and the shell's is given up."""
        if attempt > _SESSION_TRIES and not self._running:
            raise self._no_session(reason)
        if self._shell and not self._at_shell.locked():
            self._shell.close()
        if attempt > 1 or (self._open and not self._open.is_closed()):
            await asyncio.sleep(_SESSION_PAUSE)

    async def _connect(self) -> asyncssh.SSHClientConnection:
        self._open = await self._until_deadline(dial)
        self.counters.opened += 1
        return self._open

    async def _until_deadline(self, attempt: Dial[T], seconds: float | None = None) -> T:
        """Try again while the machine does not answer; the deadline is waited for once in a process."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        patience = self._way.deadline if seconds is None else seconds
        patience = 0 if self._given_up else patience
        for tries, pause in enumerate(_pauses(), 1):
            tunnel = await self._through_bastion()
            try:
                opened = await attempt(self.name, self._way, tunnel)
            except NotSsh:
                raise
            except Unreachable as error:
                if clock() - begun + pause > patience:
                    self._given_up = self._given_up or self._hasty is None
                    raise _after(error, tries, clock() - begun) from None
                await asyncio.sleep(pause)
            else:
                self._given_up = False
                return opened
        raise AssertionError("the pauses never end")

    async def _through_bastion(self) -> asyncssh.SSHClientConnection | None:
        if self.bastion is None:
            return None
        try:
            return await self.bastion.connected()
        except HostError as error:
            nothing = Trusted(pinned_in="")
            failures = Failures(host=self.host, connection=self.connection, trusted=nothing)
            raise failures.bastion(error) from None

    def _dropped(self) -> ConnectionDropped:
        return ConnectionDropped(
            host=self.host,
            item=f"ssh to {self.connection.target}",
            expected="the connection to last until the command ends",
            found="dropped; whether the command finished is unknown",
            next_step=f"{self.connection.by_hand} uptime; then the same pulumi command again",
        )

    def _no_session(self, reason: str) -> NotSsh:
        return NotSsh(
            host=self.host,
            item=f"ssh to {self.connection.target}",
            expected="a session for a command",
            found=reason,
            next_step="set MaxSessions in the machine's sshd_config to 10 or more, and see its ForceCommand",
        )


def _pauses() -> Iterator[float]:
    """Seconds between attempts: longer each time, up to 5."""
    return itertools.chain((0.5, 1.0, 2.0, 3.0), itertools.repeat(5.0))


def _after(error: Unreachable, tries: int, seconds: float) -> Unreachable:
    tried = "tried once" if tries == 1 else f"tried {tries} times in {seconds:.0f} s"
    return type(error)(
        host=error.host,
        item=error.item,
        expected=error.expected,
        found=f"{error.found}; {tried}",
        next_step=error.next_step,
    )


async def _behind(preface: bytes, given: Input) -> AsyncIterator[bytes]:
    if preface:
        yield preface
    if isinstance(given, bytes):
        for start in range(0, len(given), CHUNK):
            yield given[start : start + CHUNK]
        return
    async for chunk in given:
        yield chunk
