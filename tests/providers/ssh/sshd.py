"""A real OpenSSH server on loopback, in a mount namespace of its own, and faults for it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from providers.ssh.connection import Connection

PASSWORD = "correct horse battery"
_START_SECONDS = 10.0

# Stands in for sudo: `pi` is root under another name here. It knows what the real one does with
# -n, -S and -p: it asks when it must, reads a line for each of three tries, else it just runs.
_SUDO = r"""#!/bin/sh
rules=$(cat "${0%/bin/sudo}/sudo")
ask=yes; [ "$1" = -n ] && ask=no
while [ "$1" != -- ]; do shift; done; shift
if [ "$rules" = free ]; then exec "$@"; fi
if [ "$ask" = no ]; then echo "sudo: a password is required" >&2; exit 1; fi
for try in 1 2 3; do
  IFS= read -r given || { echo "sudo: no password was provided" >&2; exit 1; }
  if [ "$given" != "PASSWORD" ]; then echo "Sorry, try again." >&2; continue; fi
  if [ "$rules" = asks ]; then exec "$@"; fi
  echo "pi is not in the sudoers file." >&2; exit 1
done
echo "sudo: 3 incorrect password attempts" >&2; exit 1
""".replace("PASSWORD", PASSWORD)

_NAMESPACE = """
set -e
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
mount -t tmpfs none /var/lib
mount -t tmpfs -o size=1m none "$1/small"
mkdir -p /run/sshd
exec "$2" -D -e -f "$1/config"
"""


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def make_key(path: Path, *, kind: str = "ed25519", passphrase: str = "") -> str:
    """A key pair at `path`; the public half as `type base64`."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return " ".join(path.with_name(path.name + ".pub").read_text().split()[:2])


class Sshd:
    """One server: users root and pi (root, by sudo), one key that may log in, and a password."""

    def __init__(self, where: Path, *options: str) -> None:
        self.where = where
        self.program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert self.program, "these tests need OpenSSH's server: apt-get install openssh-server"
        assert os.geteuid() == 0, "these tests start sshd in a mount namespace of its own: run them as root"
        self.port = free_port()
        self.host_key = make_key(where / "host_key")
        self.user_key = where / "user_key"
        (where / "authorized").write_text(make_key(self.user_key) + "\n")
        self._write_users()
        self._write_config(options)
        self._process: subprocess.Popen[bytes] | None = None

    def connection(self, **changes: object) -> Connection:
        """The connection that works."""
        works = Connection(
            address="127.0.0.1",
            port=self.port,
            identity_file=str(self.user_key),
            host_key=self.host_key,
            connect_timeout=5,
            deadline=5,
        )
        return replace(works, **changes)  # type: ignore[arg-type]

    def sudo(self, rules: str) -> None:
        """What sudo does from now on: free, asks (for a password), outside (pi is not in sudoers)."""
        (self.where / "sudo").write_text(rules)

    def start(self) -> None:
        """Serve, and wait until it listens."""
        command = ["unshare", "-m", "sh", "-c", _NAMESPACE, "sshd", str(self.where), str(self.program)]
        with (self.where / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, stdout=log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + _START_SECONDS
        while not listens(self.port):
            assert self._process.poll() is None, (self.where / "log").read_text()
            assert time.monotonic() < until, f"sshd does not listen: {(self.where / 'log').read_text()}"
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop serving; connections that are open end too."""
        if self._process is None:
            return
        sessions = self.sessions()
        self._process.terminate()
        self._process.wait(10)
        self._process = None
        _kill(sessions)

    def __enter__(self) -> Sshd:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def cut(self) -> None:
        """End the connections that are open, as a machine that loses its power does for its peer."""
        _kill(self.sessions())

    def sessions(self) -> list[int]:
        """Process ids of the server's connections."""
        assert self._process is not None
        pid = self._process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def _write_users(self) -> None:
        for name in ("small", "bin"):
            (self.where / name).mkdir()
        sudo = self.where / "bin" / "sudo"
        sudo.write_text(_SUDO)
        sudo.chmod(0o755)
        self.sudo("free")
        users = [("root", 0), ("pi", 0), ("sshd", 104), ("nobody", 65534)]
        lines = [f"{name}:x:{uid}:{uid}::{self.where}:/bin/sh\n" for name, uid in users]
        (self.where / "passwd").write_text("".join(lines))
        hashed = (
            subprocess.run(
                ["openssl", "passwd", "-6", "-stdin"],
                input=PASSWORD.encode(),
                capture_output=True,
                check=True,
            )
            .stdout.decode()
            .strip()
        )
        shadow = self.where / "shadow"
        shadow.write_text("".join(f"{name}:{hashed}:19000:0:99999:7:::\n" for name in ("root", "pi")))
        shadow.chmod(0o600)

    def _write_config(self, options: tuple[str, ...]) -> None:
        lines = [
            *options,
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.where}/host_key",
            f"AuthorizedKeysFile {self.where}/authorized",
            "StrictModes no",
            "UsePAM no",
            "PermitRootLogin yes",
            "PasswordAuthentication yes",
            "PidFile none",
            f'SetEnv PATH="{self.where}/bin:/usr/sbin:/usr/bin:/sbin:/bin"',
        ]
        (self.where / "config").write_text("".join(f"{line}\n" for line in lines))


def listens(port: int) -> bool:
    """Whether something takes connections there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _kill(processes: list[int]) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def answering(said: bytes, *, keep: bool = False) -> Iterator[int]:
    """A port that takes connections, says this, and closes them or, with `keep`, never says more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    one = server.accept()[0]
                    one.sendall(said)
                    if keep:
                        kept.append(one)
                    else:
                        one.close()

        threading.Thread(target=serve, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        for one in kept:
            one.close()


class Proxy:
    """A wire to a server that can be made to swallow everything from some moment on."""

    def __init__(self, target: int) -> None:
        self.silent = threading.Event()
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = self._server.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._target))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if not self.silent.is_set():
                    other.sendall(data)
            if not self.silent.is_set():
                other.shutdown(socket.SHUT_WR)
