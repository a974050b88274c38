"""`python -m providers.backup STACK`: a snapshot of etcd now, from one healthy member, into a local directory.

It needs no `helicon:backup` in the stack file, and leaves nothing on the machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from config import ConfigurationError, load_file
from providers.backup.backup_script import MANIFEST, MEMBER
from providers.backup.machines import connected, members_of
from providers.backup.snapshot_file import verified
from providers.core.errors import HostError, Refused
from providers.core.host import Host

PLACE = "/var/lib/helicon/backup"
PIECE = 8 << 20
"""Bytes fetched at once: what a small computer holds in memory without noticing."""
TAKE_SECONDS = 1800.0

_TAKE = (
    f"set -eu; umask 077; manifest={MANIFEST}{MEMBER}"
    + r"""
find_member
etcdctl endpoint health --command-timeout=10s >/dev/null 2>&1 || fail "its member is not healthy"
rm -rf "$1"; mkdir -p "$1"
take "$1/snapshot.db"
stat -c %s "$1/snapshot.db"
"""
)
_PART = 'dd if="$1" bs="$2" skip="$3" count=1 2>/dev/null'


def take(host: Host, target: Path) -> str:
    """Take a snapshot on one machine and fetch it; what etcdutl says of it."""
    try:
        done = host.run(["sh", "-c", _TAKE, "take", PLACE], timeout=TAKE_SECONDS)
        *status, size = done.text.splitlines()
        _fetch(host, f"{PLACE}/snapshot.db", int(size), target)
    finally:
        host.run(["rm", "-rf", PLACE])
    return "".join(status)


def _fetch(host: Host, path: str, size: int, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for number in range(-(-size // PIECE)):
            argv = ["sh", "-c", _PART, "part", path, str(PIECE), str(number)]
            file.write(host.run(argv, timeout=TAKE_SECONDS).stdout)
        file.flush()
        os.fsync(file.fileno())
    digest = verified(part)
    target.with_name(f"{target.name}.sha256").write_text(f"{digest}  {target.name}\n")
    part.rename(target)


def backup(hosts: Sequence[Host], target: Path) -> tuple[Host, str]:
    """A snapshot from the first member that is well; raises what each said when there is none."""
    said = []
    for host in hosts:
        try:
            return host, take(host, target)
        except HostError as error:
            said.append(f"{host.name}: {error.found.strip()}")
    raise Refused(
        host="cluster",
        item="snapshot of etcd",
        expected="a healthy member",
        found="; ".join(said),
        next_step="ls -l /var/backups/etcd, on the control planes: what the timer took; then docs/backup.md",
    )


def main(arguments: Sequence[str]) -> int:
    """Take one and say where it lies; 1 when no member could give one."""
    parser = argparse.ArgumentParser(prog="python -m providers.backup", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("--to", type=Path, default=Path("backups"), help="a local directory")
    given = parser.parse_args(arguments)
    target = given.to / time.strftime(f"etcd-{given.stack}-%Y%m%dT%H%M%SZ.db", time.gmtime())
    try:
        rack = load_file(Path(f"Pulumi.{given.stack}.yaml"))
        given.to.mkdir(mode=0o700, parents=True, exist_ok=True)
        with connected(rack) as machines:
            host, status = backup([machines.host(one.name) for one in members_of(rack)], target)
    except (ConfigurationError, HostError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{target}: taken on {host}\n{status}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
