"""One shell of root for many short commands: each costs a few bytes, not a session, a login shell and sudo.

The machine reads two lines for each command: a mark with the length of the input, and the command.
Then it prints the mark behind all that the command printed, with the status, and on standard error
as well. A command and its output are what they are in a session of their own; what does not fit
(`fits`) gets one.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import shlex
from collections.abc import Sequence
from contextlib import suppress

from providers.ssh.channel import OPEN_SECONDS, Channel, Outcome

LONGEST = 16 * 1024
"""Bytes of a command: `read` takes them one by one."""
LARGEST = 1024 * 1024
"""Bytes of input, which the machine holds in memory."""
# A newline of a quoted argument is said by $n. The input is read whole before the command begins, which
# may leave of it what it likes.
_LOOP = """
n='
'
while read -r mark input && IFS= read -r line; do
  if [ "$input" -gt 0 ]; then
    dd bs="$input" count=1 iflag=fullblock 2>/dev/null | eval "$line"
  else eval "$line" </dev/null; fi
  status=$?
  printf '\\n%s %s\\n' "$mark" "$status"; printf '\\n%s\\n' "$mark" >&2
done
"""
ARGV = ("sh", "-c", _LOOP, "helicon")
"""The shell."""


def fits(argv: Sequence[str], stdin: bytes) -> bool:
    """Whether a command can be sent this way: older shells' `read` loses bytes that are not ASCII."""
    line = shlex.join(argv)
    return line.isascii() and len(line) <= LONGEST and len(stdin) <= LARGEST


def frame(mark: str, argv: Sequence[str], stdin: bytes) -> bytes:
    """What is sent for one command."""
    line = shlex.join(argv).replace("\n", "'\"$n\"'")
    return f"{mark} {len(stdin)}\n{line}\n".encode() + stdin


class Shell(Channel):
    """The session in which the shell runs; one command at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._answered = asyncio.Event()
        self._mark = ""
        self._began = False
        self.used = 0.0
        """When the last command ended, by the event loop's clock."""

    @property
    def ended(self) -> bool:
        """Whether it takes no more commands: its end is known, or about to be."""
        return self._exited.is_set() or self._closing

    @property
    def _closing(self) -> bool:
        return self._chan is not None and self._chan.is_closing()

    def send(self, data: bytes) -> None:
        """Give it bytes, unless it is about to be told that it ended."""
        assert self._chan is not None
        if not self._closing:
            self.sent += len(data)
            self._chan.write(data)

    async def command(self, argv: Sequence[str], stdin: bytes = b"") -> Outcome:
        """Run one command; where the shell itself never began, the outcome is the shell's (sudo refused)."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        self._mark = secrets.token_hex(8)
        if not self._closed.is_set():  # after its status there may be words of why it ended
            self._answered.clear()
            self.send(frame(self._mark, argv, stdin))
            await self._answered.wait()
        self.used = clock()
        return self._outcome(clock() - begun)

    async def alive(self) -> bool:
        """Whether it answers within half a minute."""
        with suppress(TimeoutError):
            async with asyncio.timeout(OPEN_SECONDS):
                return (await self.command(["true"])).exit_status == 0
        return False

    def close(self) -> None:
        """End it."""
        if self._chan:
            self._chan.close()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Some output came."""
        super().data_received(data, datatype)
        if self._status_said() is not None:
            self._answered.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The shell is closed, by its end or with the connection."""
        super().connection_lost(exc)
        self._answered.set()

    def _status_said(self) -> re.Match[bytes] | None:
        """The end of the command's output, once both streams have come to it."""
        behind = f"\n{self._mark}".encode()
        if not self._err.endswith(behind + b"\n"):
            return None
        return re.search(re.escape(behind) + rb" (\d+)\n$", self._out[-len(behind) - 8 :])

    def _outcome(self, seconds: float) -> Outcome:
        said = self._status_said()
        out, err = bytes(self._out), bytes(self._err)
        status = None if self._began else self._status
        if said:
            self._began = True
            out, err = out[: -len(said[0])], err[: -len(self._mark) - 2]
            status = int(said[1])
        self._out.clear()
        self._err.clear()
        return Outcome(exit_status=status, stdout=out, stderr=err, seconds=seconds)
