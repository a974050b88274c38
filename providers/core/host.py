"""A machine as the managed things see it: commands run as root, questions asked in one round trip."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

Argv = tuple[str, ...]
"""One command as an argument list; it is quoted for the shell in one place, the connection."""
Given = bytes | Path | Sequence[bytes | Path]
"""What a command reads: bytes, or a local file or parts, one after the other, which are streamed."""


def parts(given: Given) -> Sequence[bytes | Path]:
    """What a command reads as parts, also where it is one."""
    return [given] if isinstance(given, bytes | Path) else given


@dataclass(frozen=True, kw_only=True)
class Completed:
    """What a command left behind."""

    argv: Argv
    exit_status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text, without the last line's end."""
        return self.stdout.decode("utf-8", "replace").rstrip("\n")

    @property
    def ok(self) -> bool:
        """Whether the command exited with status 0."""
        return self.exit_status == 0


class Host(ABC):
    """One machine, reached as root (by sudo where the user is another)."""

    name: str
    address: str

    @abstractmethod
    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Given = b"",
        timeout: float = 60.0,
        check: bool = True,
        secret: bool = False,
    ) -> Completed:
        """Run one command; `timeout` in seconds; a local file that is not there is an error before it.

        Forgets every answer that `ask` kept. With `check`, a status other than 0 raises
        CommandFailed; with `secret`, neither input nor output appears in errors or logs.
        """

    @abstractmethod
    def ask(self, questions: Sequence[Argv]) -> list[Completed]:
        """Answer read-only commands in one round trip, in order, statuses unchecked.

        An answer is kept until the next `run` or `upload`, so asking again costs nothing.
        """

    def note(self, argv: Sequence[str], *, stdin: bytes = b"") -> Completed:
        """Run one command that writes below this program's own directory only (journal.ROOT), checked.

        Answers to questions that do not speak of that directory may be kept.
        """
        return self.run(argv, stdin=stdin)

    def survey(self, questions: Sequence[Argv]) -> None:
        """Ask all that a resource needs; where it can be had in the same round trip, also what others will."""
        self.ask(questions)

    def forget(self) -> None:
        """Drop the answers that `ask` kept, where something else than this program changes the machine."""
        self.run(["true"])

    def reconnect(self, seconds: float) -> None:
        """Drop the connection, where there is one, and open another; Unreachable after so many seconds."""
        self.forget()

    @abstractmethod
    def upload(self, source: Path, target: str, *, mode: int = 0o644, timeout: float = 600.0) -> None:
        """Copy a local file to `target`, atomically, owned by root; for large files (it streams)."""

    def __str__(self) -> str:
        """The name and the address, as errors show them."""
        return f"{self.name} ({self.address})"
