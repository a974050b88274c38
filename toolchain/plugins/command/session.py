"""One command on one SSH connection: environment, standard input, output line by line, how it ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncssh
from asyncssh.packet import String

from toolchain.plugins.protocol import Failure

SIGNALS = {
    "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "SEGV": 11, "PIPE": 13,
    "ALRM": 14, "TERM": 15,
}  # fmt: skip
"""Numbers of the signals that SSH can name (RFC 4254, 6.10)."""
KILLED = 128
"""A shell's exit status of a process ended by signal N is this plus N."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A command to run; `optional` are variables whose refusal is only a warning."""

    command: str
    stdin: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    streams: frozenset[str] = frozenset({"stdout", "stderr"})
    """Streams whose lines are shown as they come."""


@dataclass(frozen=True)
class Output:
    """What a command wrote, without the last line's end."""

    stdout: str
    stderr: str


Say = Callable[[str, str], None]
"""Takes a severity and a message for the user."""


class _Session(asyncssh.SSHClientSession[bytes]):
    """Collects the output of one command and sets its environment before it starts."""

    def __init__(self, order: Order, say: Say) -> None:
        self._order = order
        self._say = say
        self._line = b""
        self._parts: dict[str, list[bytes]] = {"stdout": [], "stderr": [], "both": []}
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Hold back the command until the server has answered to every variable.

        asyncssh asks for variables without wanting an answer, so it cannot say that one was refused.
        """
        make_request = chan._make_request

        async def with_environment(request: bytes, *args: bytes) -> bool | None:
            if request == b"exec":
                await self._set_environment(make_request)
            return await make_request(request, *args)

        chan._make_request = with_environment  # type: ignore[method-assign]

    async def _set_environment(self, make_request: Callable[..., Awaitable[bool | None]]) -> None:
        for name, value in sorted(self._order.environment.items()):
            if not await make_request(b"env", String(name), String(value)):
                self._say("ERROR", _refused(name))
                raise Failure(f'could not set environment variable "{name}": ssh: setenv failed')
        for name, value in self._order.optional.items():
            if not await make_request(b"env", String(name), String(value)):
                self._say("WARNING", _refused(name))

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keep a piece of output, and show the lines that it completes."""
        stream = "stderr" if datatype == asyncssh.EXTENDED_DATA_STDERR else "stdout"
        self._parts[stream].append(data)
        self._parts["both"].append(data)
        if stream in self._order.streams:
            *lines, self._line = (self._line + data).split(b"\n")
            for line in lines:
                self._say("STATUS", line.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Show what has no line's end, and say that the command is over."""
        if self._line:
            self._say("STATUS", self._line.decode(errors="replace"))
        if not self.closed.done():
            self.closed.set_result(exc)

    def text(self, stream: str) -> str:
        """Return all output of `stdout`, `stderr`, or `both` in the order of arrival."""
        return b"".join(self._parts[stream]).decode(errors="replace")


async def run(connection: asyncssh.SSHClientConnection, order: Order, say: Say) -> Output:
    """Run a command to its end; raises Failure with all of its output when it fails."""
    session = _Session(order, say)
    channel, _ = await connection.create_session(lambda: session, order.command, encoding=None, env=())
    # A command that is over already needs no input: its status tells the rest.
    with suppress(BrokenPipeError):
        channel.write(order.stdin.encode())
        channel.write_eof()
    lost = await session.closed
    ending = _ending(channel, lost)
    if ending:
        raise Failure(f"{ending}: running {_quoted(order.command)}:\n{session.text('both')}")
    return Output(session.text("stdout").removesuffix("\n"), session.text("stderr").removesuffix("\n"))


def _ending(channel: asyncssh.SSHClientChannel[Any], lost: Exception | None) -> str:
    """Return how a command failed, empty when it did not."""
    signal = channel.get_exit_signal()
    if signal is not None:
        status = KILLED + SIGNALS.get(signal[0], 0)
        reason = f". Reason was: {signal[2]}" if signal[2] else ""
        return f"Process exited with status {status} from signal {signal[0]}{reason}"
    code = channel.get_exit_status()
    if code is None or code < 0:
        return f"wait: remote command exited without exit status or exit signal{f' ({lost})' if lost else ''}"
    return f"Process exited with status {code}" if code else ""


def _quoted(command: str) -> str:
    return json.dumps(command, ensure_ascii=False)


def _refused(name: str) -> str:
    return (
        f"Unable to set '{name}'. This only works if your SSH server is configured to accept\n"
        "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote "
        "host, you could\n\tprefix the command itself with the variables in the form 'VAR=value command'"
    )
