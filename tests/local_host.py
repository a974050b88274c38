"""A throwaway machine on this one: real commands in their own root, name and network.

An overlay in memory lies over the whole root, so whatever is written is gone with the fixture; host
name and net.* settings are the namespace's own. The kernel is shared: modules, swap and systemd
are stood in for by the tests that need them.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from providers.core import batch
from providers.core.errors import CommandFailed
from providers.core.host import Argv, Completed, Given, Host, parts
from providers.core.journal import is_ours

STAND_INS = Path(__file__).parent / "stand_ins"
_HOLD = """
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
cd /mnt/root
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs sysfs sys
for directory in run tmp var/lib; do mount -t tmpfs tmpfs "$directory"; done
hostname raspberrypi
echo raspberrypi > etc/hostname
printf '127.0.0.1\\tlocalhost\\n127.0.1.1\\traspberrypi\\n' > etc/hosts
printf '/dev/mmcblk0p2 / ext4 defaults 0 1\\n/swapfile none swap sw 0 0\\n' > etc/fstab
exec chroot . sh -c 'echo ready; exec cat'
"""
_ENVIRONMENT = MappingProxyType(
    {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C"}
)


class LocalHost(Host):
    """Runs commands for real inside the namespaces of a holding process."""

    def __init__(self, holder: int) -> None:
        self.name = "cp-1"
        self.address = "127.0.0.1"
        self.holder = holder
        self.ran: list[Argv] = []
        self._enter = ("nsenter", "-t", str(holder), "-m", "-u", "-n", "-p", "-r", "-w")
        self._root = f"/proc/{holder}/root"
        self.batches = 0
        self._kept: dict[Argv, Completed] = {}

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Given = b"",
        timeout: float = 60.0,
        check: bool = True,
        secret: bool = False,
    ) -> Completed:
        """Run one command in the throwaway root."""
        self.ran.append(tuple(argv))
        self._kept.clear()
        done = self._execute(argv, joined(stdin), timeout)
        if check and not done.ok:
            raise CommandFailed(
                host=str(self),
                item=" ".join(argv),
                expected="status 0",
                found=f"{done.exit_status}: {done.stderr.decode()}",
                next_step="look at the output",
            )
        return done

    def note(self, argv: Sequence[str], *, stdin: bytes = b"") -> Completed:
        """Run one command that changes nothing but notes; other answers stay."""
        kept = {asked: one for asked, one in self._kept.items() if not is_ours(asked)}
        done = self.run(argv, stdin=stdin)
        self._kept = kept
        return done

    def ask(self, questions: Sequence[Argv]) -> list[Completed]:
        """Answer in one shell, as the connection does."""
        open_ = [argv for argv in questions if argv not in self._kept]
        if open_:
            self.batches += 1
            asked = batch.Batch(questions=tuple(open_))
            done = self._execute(["sh", "-s"], asked.script, 60)
            answers = asked.parse(done.stdout)
            assert answers is not None, done.stderr.decode()
            self._kept |= {argv: answers[batch.key(argv)].to(argv) for argv in open_}
        return [self._kept[argv] for argv in questions]

    def upload(self, source: Path, target: str, *, mode: int = 0o644, timeout: float = 600.0) -> None:
        """Copy a file into the throwaway root."""
        put = 'cat > "$1.new" && chmod "$2" "$1.new" && mv -T "$1.new" "$1"'
        self.run(["sh", "-c", put, "upload", target, f"{mode:o}"], stdin=source.read_bytes(), timeout=timeout)

    def write(self, path: str, text: str, mode: str = "0644") -> None:
        """Put a file there as something other than helicon would; the directory is made."""
        put = 'mkdir -p "${1%/*}"; cat > "$1"; chmod "$2" "$1"'
        self.run(["sh", "-c", put, "write", path, mode], stdin=text.encode())

    def stand_in(self, *programs: str) -> None:
        """Put stand-ins of tests/stand_ins in front of programs that need a machine of its own."""
        for program in programs:
            self.write(f"/usr/local/sbin/{program}", (STAND_INS / program).read_text(), "0755")

    def read(self, path: str) -> str | None:
        """The content of a file to the last byte; None where there is none."""
        done = self.run(["cat", path], check=False)
        return done.stdout.decode() if done.ok else None

    def tree(self, *places: str) -> list[str]:
        """Everything below the places: kinds, modes, owners, and digests of the contents."""
        return sorted(line for place in places for line in _lines(self._root, place))

    def _execute(self, argv: Sequence[str], stdin: bytes, timeout: float) -> Completed:
        done = subprocess.run(
            [*self._enter, *argv], input=stdin, capture_output=True, timeout=timeout, env=dict(_ENVIRONMENT)
        )
        return Completed(
            argv=tuple(argv), exit_status=done.returncode, stdout=done.stdout, stderr=done.stderr
        )


@contextmanager
def throwaway() -> Iterator[LocalHost]:
    """A throwaway machine; everything of it ends with the block, or with this process."""
    unshare = ["unshare", "-m", "-u", "-n", "-p", "-f", "--kill-child", "sh", "-c", _HOLD]
    with subprocess.Popen(unshare, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", (
                "this test makes a throwaway machine and needs root and `unshare` with an overlay over /: "
                "run it as root, in a container with --privileged"
            )
            yield LocalHost(_child(process.pid))
        finally:
            process.terminate()


def _lines(root: str, place: str) -> Iterator[str]:
    # seen from outside, by no command: a life test looks at a whole /etc ten times
    todo = [place] if os.path.lexists(root + place) else []
    while todo:
        path = todo.pop()
        found = os.lstat(root + path)
        kind = stat.filemode(found.st_mode)[0].replace("-", "f")
        yield f"{kind} {stat.S_IMODE(found.st_mode):o} {found.st_uid} {found.st_gid}  {path}"
        if kind == "f":
            yield f"{hashlib.sha256(Path(root + path).read_bytes()).hexdigest()}  {path}"
        elif kind == "l":
            yield f"{Path(root + path).readlink()}  {path}"
        elif kind == "d":
            todo += [f"{path}/{entry.name}" for entry in os.scandir(root + path)]


def _child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def joined(given: Given) -> bytes:
    """All that a command is given to read."""
    return b"".join(one.read_bytes() if isinstance(one, Path) else one for one in parts(given))
