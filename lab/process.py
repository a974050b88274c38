"""Daemons of the lab: started apart from the caller, found again by their pid file, ended by their pid."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.shell import wait


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """A program that outlives us; `mark` is an argument by which its process is told from others."""

    argv: Sequence[str]
    pid_file: Path
    log: Path
    mark: str

    def pid(self) -> int | None:
        """The process id, or None when it does not run (the file may be from before a crash)."""
        try:
            pid = int(self.pid_file.read_text())
            line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if self.mark.encode() in line else None

    def start(self) -> None:
        """Start it, unless it runs; a pid file of a process that is gone is removed first."""
        if self.pid() is not None:
            return
        self.pid_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            subprocess.Popen(
                list(self.argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self) -> None:
        """End it, by force after half a minute."""
        for number, seconds in ((signal.SIGTERM, 30), (signal.SIGKILL, 10)):
            pid = self.pid()
            if pid is None:
                break
            os.kill(pid, number)
            try:
                wait(f"end of {self.mark}", self._gone, timeout=seconds, next_step=f"kill -9 {pid}")
            except Exception:
                if number is signal.SIGKILL:
                    raise
        self.pid_file.unlink(missing_ok=True)

    def _gone(self) -> bool:
        return self.pid() is None
