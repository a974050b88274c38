"""A PostgreSQL server of the benchmark's own, on loopback, for as long as it is measured with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")
_NOBODY = "nobody"
"""PostgreSQL refuses to run as root."""


def programs() -> Path | None:
    """The directory of `initdb` and `postgres`: Debian's, which is not on PATH, or another; None without one."""
    found = sorted(DEBIAN.glob("*/bin/initdb"))
    other = shutil.which("initdb")
    path = found[-1] if found else Path(other).resolve() if other else None
    return path.parent if path else None


@contextmanager
def running() -> Iterator[str | None]:
    """A server with its defaults, durable writes included: the URL for the engine, or None without PostgreSQL."""
    there = programs()
    if there is None:
        yield None
        return
    user = _NOBODY if os.geteuid() == 0 else None
    place = Path(tempfile.mkdtemp(prefix="helicon-bench-"))
    try:
        if user:
            shutil.chown(place, user)
        data = place / "data"
        initdb: list[str | Path] = [
            there / "initdb",
            "-D",
            data,
            "-U",
            "bench",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
        ]
        subprocess.run(initdb, check=True, user=user, cwd=place, stdout=subprocess.DEVNULL)
        control: list[str | Path] = [there / "pg_ctl", "-D", data, "-w"]
        port = _free_port()
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {place}"
        start: list[str | Path] = [*control, "-l", place / "log", "-o", options, "start"]
        subprocess.run(start, check=True, user=user, cwd=place, stdout=subprocess.DEVNULL)
        try:
            yield f"postgres://bench@127.0.0.1:{port}/postgres?sslmode=disable"
        finally:
            stop: list[str | Path] = [*control, "-m", "fast", "stop"]
            subprocess.run(stop, check=True, user=user, cwd=place, stdout=subprocess.DEVNULL)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
