"""Steps that are made whole or not at all, are not made twice from the same inputs, and tell their time."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.shell import say

STARTED = time.monotonic()


def tell(line: str) -> None:
    """One line of progress, after the seconds since the build began."""
    say(f"[{time.monotonic() - STARTED:4.0f} s] bundle: {line}")


def step(title: str, target: Path, inputs: str, make: Callable[[Path], None]) -> None:
    """Let `make` fill a directory, unless the target was made from the same inputs (a digest of them)."""
    stamp = target.with_name(f"{target.name}.inputs")
    if target.is_dir() and stamp.is_file() and stamp.read_text() == inputs:
        tell(f"{title}: here already")
        return
    tell(f"{title} ...")
    began = time.monotonic()
    partial = target.with_name(f"{target.name}.partial")
    remove(partial)
    partial.mkdir(parents=True)
    make(partial)
    stamp.unlink(missing_ok=True)
    remove(target)
    partial.rename(target)
    stamp.write_text(inputs)
    tell(f"{title}: done in {time.monotonic() - began:.0f} s, {megabytes(target)} MB")


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Wait until no other build works in a directory, and keep others out; a killed one holds nothing."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("another build is at work; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove(directory: Path) -> None:
    """Remove a directory that may not be there."""
    if directory.exists():
        shutil.rmtree(directory)


def megabytes(directory: Path) -> int:
    """The size of all files below a directory, in units of 10^6 bytes."""
    return round(sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1e6)
