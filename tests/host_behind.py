"""A machine by way of another: a test changes what it is about, and the rest is as the real one has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from providers.core.host import Argv, Completed, Given, Host


class HostBehind(Host):
    """Hands everything on; a note is run, as where no host says otherwise."""

    def __init__(self, real: Host) -> None:
        self.name, self.address = real.name, real.address
        self._real = real

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Given = b"",
        timeout: float = 60.0,
        check: bool = True,
        secret: bool = False,
    ) -> Completed:
        """Run."""
        return self._real.run(argv, stdin=stdin, timeout=timeout, check=check, secret=secret)

    def ask(self, questions: Sequence[Argv]) -> list[Completed]:
        """Ask."""
        return self._real.ask(questions)

    def upload(self, source: Path, target: str, *, mode: int = 0o644, timeout: float = 600.0) -> None:
        """Upload."""
        self._real.upload(source, target, mode=mode, timeout=timeout)
