"""A time server in the namespace: chronyd, serving this machine's clock and never setting it.

The package is unpacked, not installed: installing it removes the machine's own time service. Boards
synchronise with it for real; what they may not do is set the clock that they share with this
machine, see `boards/image/clock.c`.
"""

from __future__ import annotations

from pathlib import Path

from lab import namespace, places
from lab.process import Daemon
from lab.shell import run, say

CONFIGURATION = """\
# this machine's clock is the reference; stratum 5 leaves room for servers between
local stratum 5
allow all
cmdport 0
bindcmdaddress /
pidfile {pid}
"""


def start() -> None:
    """Serve the time on every address of the namespace, unless that is being done."""
    if _daemon().pid() is not None:
        return
    say("lab: starting the time server")
    _fetch()
    _file("chrony.conf").write_text(CONFIGURATION.format(pid=_file("chronyd.pid")))
    _daemon().start()


def stop() -> None:
    """End the time server."""
    _daemon().stop()


def _file(name: str) -> Path:
    return places.RUNTIME / name


def _unpacked() -> Path:
    return places.cache() / "boards" / "chrony"


def _fetch() -> None:
    directory = _unpacked()
    if (directory / "usr/sbin/chronyd").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    script = 'cd "$1"; apt-get download chrony; dpkg-deb -x chrony_*.deb .'
    run(["sh", "-ec", script, "fetch", str(directory)])


def _daemon() -> Daemon:
    # -x: never touch the clock; root: the package's own user exists only where it is installed
    argv = [str(_unpacked() / "usr/sbin/chronyd"), "-x", "-n", "-u", "root", "-f", str(_file("chrony.conf"))]
    return Daemon(
        argv=namespace.inside(argv),
        pid_file=_file("chronyd.pid"),
        log=_file("chronyd.log"),
        mark=str(_file("chrony.conf")),
    )
