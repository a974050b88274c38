"""One command on an open connection: input streamed to it, output and status collected."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import asyncssh

CHUNK = 256 * 1024
"""Bytes written at once; 64 to 256 KiB were the fastest over loopback."""
# A command may leave a daemon that keeps its output open: sshd then never closes the channel.
_QUIET_SECONDS = 3.0
OPEN_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came back; without an exit status the connection ended first."""

    exit_status: int | None
    stdout: bytes
    stderr: bytes
    seconds: float


class NotStarted(Exception):
    """The machine opened no session, so the command surely did not run."""


class Channel(asyncssh.SSHClientSession[bytes]):
    """A session that runs one command."""

    def __init__(self) -> None:
        self.sent = 0
        self._out = bytearray()
        self._err = bytearray()
        self._status: int | None = None
        self._chan: asyncssh.SSHClientChannel[bytes] | None = None
        self.connection: asyncssh.SSHClientConnection | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._exited = asyncio.Event()
        self._closed = asyncio.Event()

    async def open(self, connection: asyncssh.SSHClientConnection, line: str) -> None:
        """Start a command line; NotStarted means that it never reached the machine."""
        self.connection = connection
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await connection.create_session(lambda: self, line, encoding=None)
        except TimeoutError:
            # Such a machine has restarted or hangs; what still runs on this connection is lost as well.
            connection.abort()
            self._failed("no answer")
        except (asyncssh.Error, OSError) as error:
            self._failed(str(error))

    async def talk(self, chunks: AsyncIterator[bytes]) -> Outcome:
        """Give the command its input and wait for its end."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        feeding = asyncio.create_task(self._feed(chunks))
        try:
            await self._ended(feeding)
            seconds = clock() - begun
        finally:
            feeding.cancel()
            if self._chan:
                self._chan.close()
        out, err = bytes(self._out), bytes(self._err)
        return Outcome(exit_status=self._status, stdout=out, stderr=err, seconds=seconds)

    @property
    def received(self) -> int:
        """Bytes of output so far."""
        return len(self._out) + len(self._err)

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The session is open."""
        self._chan = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Some output came."""
        (self._err if datatype == asyncssh.EXTENDED_DATA_STDERR else self._out).extend(data)

    def pause_writing(self) -> None:
        """The machine is slower than we are."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The machine has caught up."""
        self._writable.set()

    def exit_status_received(self, status: int) -> None:
        """The command ended."""
        self._status = status
        self._exited.set()

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """The command was ended by a signal; its status is what a shell would say."""
        self._status = 128 + _number(signal)
        self._exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The session is closed, by its end or with the connection."""
        for event in (self._exited, self._closed, self._writable):
            event.set()

    def _failed(self, reason: str) -> None:
        if self._chan is None:
            raise NotStarted(reason)
        self.connection_lost(None)  # the command line was sent: whether it ran is unknown

    async def _feed(self, chunks: AsyncIterator[bytes]) -> None:
        assert self._chan is not None
        # A command that ends without reading its input closes the channel: its status tells the rest.
        with suppress(BrokenPipeError, ConnectionError):
            async for chunk in chunks:
                self._chan.write(chunk)
                self.sent += len(chunk)
                await self._writable.wait()
            self._chan.write_eof()

    async def _ended(self, feeding: asyncio.Task[None]) -> None:
        exited = asyncio.create_task(self._exited.wait())
        try:
            await asyncio.wait({feeding, exited}, return_when=asyncio.FIRST_COMPLETED)
            if feeding.done():
                feeding.result()  # a local file that cannot be read is an error of its own
            await exited
        finally:
            exited.cancel()
        await self._drained()

    async def _drained(self) -> None:
        before = -1
        while not self._closed.is_set() and before != self.received:
            before = self.received
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), _QUIET_SECONDS)


def _number(name: str) -> int:
    try:
        return int(signal.Signals[f"SIG{name}"])
    except KeyError:
        return 0
