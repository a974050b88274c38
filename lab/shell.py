"""Commands on this machine, with a deadline and an error that shows the last lines."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from lab.errors import LabError

SHOWN_LINES = 10
"""How many of the last lines of a failed command an error shows."""


def say(line: str) -> None:
    """One line of progress, at once."""
    print(line, file=sys.stderr, flush=True)


def run(
    argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60.0, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """Run one command; `timeout` in seconds. With `check`, a status other than 0 raises LabError."""
    try:
        done = subprocess.run(list(argv), input=stdin, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise _failure(argv, f"an end within {timeout:.0f} s", "it still ran") from None
    except FileNotFoundError:
        raise _failure(argv, f"the program {argv[0]}", "it is not installed") from None
    if check and done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise _failure(argv, "status 0", f"{done.returncode}: " + "\n".join(said[-SHOWN_LINES:]))
    return done


def text(argv: Sequence[str], *, timeout: float = 60.0) -> str:
    """What a command that succeeds prints, without the last line's end."""
    return run(argv, timeout=timeout).stdout.decode(errors="replace").rstrip("\n")


def wait(what: str, true: Callable[[], bool], *, timeout: float, pause: float = 0.2, next_step: str) -> None:
    """Ask again and again until `true` holds; raises LabError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not true():
        if time.monotonic() > deadline:
            raise LabError(
                item=what, expected=f"within {timeout:.0f} s", found="not yet", next_step=next_step
            )
        time.sleep(pause)


def _failure(argv: Sequence[str], expected: str, found: str) -> LabError:
    line = shlex.join(argv)
    return LabError(item=argv[0], expected=expected, found=found, next_step=line[:500])
