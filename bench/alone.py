"""Parts of a run alone: `python -m bench.alone FLEET` prints seconds as JSON.

The start of the provider's Python with all that it imports; a connection to every machine at once,
by the program's own pool; then one more command to every machine at once.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from providers.ssh.connection import Connection
from providers.ssh.pool import Pool
from providers.ssh.ssh_host import SshHost
from providers.threads import WORKERS

_IMPORTS = "import grpc, pulumi.dynamic, providers.adapter"
_TIMES = 3
_COMMANDS = 10


def main(path: str) -> int:
    """Measure and print."""
    given = json.loads(Path(path).read_text())
    found = {"start": start(), **ssh(given["machines"], given["identity"])}
    print(json.dumps(found))
    return 0


def start() -> float:
    """Seconds until a process has imported what the provider needs."""
    return statistics.median(
        _seconds(lambda: subprocess.run([sys.executable, "-c", _IMPORTS], check=True)) for _ in range(_TIMES)
    )


def ssh(machines: Sequence[dict[str, Any]], identity: str) -> dict[str, float]:
    """Seconds for a connection to each machine, its shell included; and for one more command to each."""
    pool = Pool()
    hosts = [
        pool.host(one.pop("name"), Connection(**one, user="pi", identity_file=identity)) for one in machines
    ]

    def everywhere(_: int = 0) -> None:
        list(threads.map(_true, hosts))

    try:
        with ThreadPoolExecutor(WORKERS) as threads:
            connect = _seconds(everywhere)
            turns = _seconds(lambda: list(map(everywhere, range(_COMMANDS)))) / _COMMANDS
    finally:
        pool.close()
    return {"connect": connect - turns, "turn": turns}


def _true(host: SshHost) -> None:
    host.run(["true"])


def _seconds(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
