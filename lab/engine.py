"""A Docker daemon of our own inside the lab's namespace, apart from any other on this machine."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lab import namespace, places
from lab.boards import runtime
from lab.errors import LabError
from lab.process import Daemon
from lab.shell import run, say, wait

SOCKET = places.RUNTIME / "docker.sock"
LOG = places.RUNTIME / "dockerd.log"
RUNTIME = places.RUNTIME / "runtime"
START_SECONDS = 60.0


def program(name: str) -> str:
    """A program's path: Debian's, before another that PATH may hold (a client of another version)."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") or shutil.which(name)
    if found is None:
        raise LabError(
            item=name, expected="installed", found="not found", next_step="apt-get install docker.io"
        )
    return found


def data() -> Path:
    """Images and containers; the images are worth keeping."""
    return places.cache() / "boards" / "docker"


@contextlib.contextmanager
def lock() -> Iterator[None]:
    """Only one clone at a time makes or removes what all of them share."""
    places.RUNTIME.mkdir(mode=0o755, exist_ok=True)
    with (places.RUNTIME / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def docker(
    *args: str, stdin: bytes = b"", timeout: float = 120.0, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """Run the client against our daemon; `timeout` in seconds."""
    argv = [program("docker"), "-H", f"unix://{SOCKET}", *args]
    return run(argv, stdin=stdin, timeout=timeout, check=check)


def lines(*args: str) -> list[str]:
    """The lines that a docker command prints."""
    return docker(*args).stdout.decode().splitlines()


def answers() -> bool:
    """Whether the daemon serves requests."""
    return SOCKET.exists() and docker("version", "--format", "ok", check=False).returncode == 0


def start() -> None:
    """Start the daemon in the namespace, unless it answers."""
    if answers():
        return
    say("lab: starting dockerd in the namespace")
    data().mkdir(parents=True, exist_ok=True)
    install_runtime()
    wait("dockerd", _serves, timeout=START_SECONDS, pause=0.5, next_step=f"tail {LOG}")


def _serves() -> bool:
    if _containerd_gone():
        # dockerd waits for a containerd whose process id is still taken, if only by its remains
        _containerd().pid_file.unlink(missing_ok=True)
    _daemon().start()  # a former one that was still ending is followed by the next
    return answers()


def stop() -> None:
    """End the daemon and the containerd that it started."""
    _daemon().stop()
    wait("containerd", _containerd_gone, timeout=30, next_step=f"pgrep -af {_execution()}")
    SOCKET.unlink(missing_ok=True)


def install_runtime() -> None:
    """Put the runtime where dockerd finds it, with an interpreter that no clone can take away."""
    shutil.copyfile(str(runtime.__file__), RUNTIME)
    body = RUNTIME.read_text()
    RUNTIME.write_text(f"#!{shutil.which('python3', path='/usr/bin') or sys.executable} -I\n{body}")
    RUNTIME.chmod(RUNTIME.stat().st_mode | stat.S_IXUSR)


def _configuration() -> Path:
    # one of our own: without it dockerd reads the one of this machine's daemon
    path = places.RUNTIME / "daemon.json"
    path.write_text("{}")
    return path


def _execution() -> Path:
    return places.RUNTIME / "exec"


def _containerd() -> Daemon:
    # started by dockerd, and ended by the kernel with it
    home = _execution() / "containerd"
    return Daemon(argv=(), pid_file=home / "containerd.pid", log=LOG, mark=str(home / "containerd.toml"))


def _containerd_gone() -> bool:
    return _containerd().pid() is None


def _daemon() -> Daemon:
    argv = [
        program("dockerd"),
        f"--host=unix://{SOCKET}",
        f"--data-root={data()}",
        f"--exec-root={_execution()}",
        f"--pidfile={places.RUNTIME / 'dockerd.pid'}",
        # apart from a system-wide containerd, which dockerd uses where there is one
        "--containerd-namespace=helicon-lab",
        "--containerd-plugins-namespace=helicon-lab-plugins",
        f"--config-file={_configuration()}",
        "--storage-driver=overlay2",
        "--live-restore",
        "--bridge=none",
        # no way out of the namespace, so nothing to forward or to translate
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--ip-masq=false",
        "--userland-proxy=false",
        f"--add-runtime=helicon={RUNTIME}",
        "--default-runtime=helicon",
    ]
    return Daemon(
        argv=namespace.inside(argv),
        pid_file=places.RUNTIME / "dockerd.pid",
        log=LOG,
        mark=f"--host=unix://{SOCKET}",
    )
