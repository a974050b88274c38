"""Run one command and say what it cost: `python -m bench.meter RESULT COMMAND...`, a process of its own.

It is the reaper of everything that the command leaves behind (persistent connections, plugins), so
their time counts too; what still runs when the command has ended is ended.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.contenders.contender import Command
from bench.places import REPOSITORY

_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER (prctl(2))."""
_SHORTEST_PAUSE, _PAUSE = 0.3, 50
"""Between two looks at the memory: seconds at least, and times what the last look took of a processor. Large
processes take longer to look at (16 ms for this program's), and so all give the same share, at most a fiftieth."""
_PROVIDER = "pulumi.dynamic"
"""What the command line of the process of all dynamic resources holds."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds by the clock and of processors, MiB at most of the whole tree and of the provider's process."""

    wall: float
    cpu: float
    memory: float
    provider: float = 0.0
    status: int = 0

    @property
    def problems(self) -> list[str]:
        """What makes it no result: a command that failed."""
        return [f"status {self.status}"] if self.status else []


@dataclass
class Watch:
    """The memory of a process tree, looked at from a thread."""

    root: int
    peak: float = 0.0
    provider: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look until told to stop."""
        pause = _SHORTEST_PAUSE
        while not self.done.wait(pause):
            begun = time.thread_time()
            tree = list(descendants(self.root))
            self.peak = max(self.peak, sum(_shared_out(pid) for pid in tree))
            for pid in tree:
                if _is_provider(pid):
                    self.provider = max(self.provider, _high_water(pid))
            pause = max(_SHORTEST_PAUSE, _PAUSE * (time.thread_time() - begun))


def descendants(pid: int) -> Iterator[int]:
    """All processes below one."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from descendants(int(child))


def measured(command: Command, log: Path, timeout: float = 3600) -> Cost:
    """The cost of a command, whose output goes to a log; measured in a process of its own."""
    result = log.with_suffix(".json")
    argv = [sys.executable, "-m", "bench.meter", str(result), str(command.cwd), *command.argv]
    env = {**os.environ, **command.env, "BENCH_PYTHONPATH": command.env.get("PYTHONPATH", "")}
    env["PYTHONPATH"] = str(REPOSITORY)
    with log.open("wb") as file:
        subprocess.run(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file, timeout=timeout, check=True
        )
    return Cost(**json.loads(result.read_text()))


def _shared_out(pid: int) -> float:
    """Proportional set size in MiB: what forked processes share counts once."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _high_water(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _is_provider(pid: int) -> bool:
    with suppress(OSError):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        return _PROVIDER in line or "pulumi/dynamic" in line
    return False


def _reap_all() -> None:
    """End what is left, and wait for it, so that its time is known."""
    for pid in list(descendants(os.getpid())):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 5
    with suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid:
                continue
            if time.monotonic() > deadline:
                for one in list(descendants(os.getpid())):
                    with suppress(ProcessLookupError):
                        os.kill(one, signal.SIGKILL)
            time.sleep(0.02)


def main(result: str, cwd: str, *argv: str) -> int:
    """Run it; the result is written as JSON."""
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    env = dict(os.environ)
    env["PYTHONPATH"] = env.pop("BENCH_PYTHONPATH")
    if not env["PYTHONPATH"]:
        del env["PYTHONPATH"]
    watch = Watch(os.getpid())
    thread = threading.Thread(target=watch.run, daemon=True)
    begun = time.monotonic()
    process = subprocess.Popen(argv, cwd=cwd, env=env)
    thread.start()
    status = process.wait()
    wall = time.monotonic() - begun
    watch.done.set()
    thread.join()
    _reap_all()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = Cost(
        wall=wall,
        cpu=used.ru_utime + used.ru_stime,
        memory=watch.peak,
        provider=watch.provider,
        status=status,
    )
    Path(result).write_text(json.dumps(asdict(cost)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
