"""Disks for throwaway machines: files in memory behind loop devices of the real kernel.

All machines here share one kernel and one /dev, so that two disks with the same label could be taken
for each other: a label is in use once at a time, whichever process asks.
"""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.local_host import LocalHost

_MAKE = """
set -eu; mkdir -p /tmp/disks; truncate -s "$2" "/tmp/disks/$1"; mkfs.ext4 -q -L "$1" "/tmp/disks/$1"
losetup -f --show "/tmp/disks/$1"
"""


@contextmanager
def disk(host: LocalHost, label: str, size: str = "24M") -> Iterator[str]:
    """The device of a disk with an ext4 file system of that label."""
    with (Path(tempfile.gettempdir()) / f"helicon-disk-{label}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        device = host.run(["sh", "-c", _MAKE, "disk", label, size]).text
        try:
            yield device
        finally:
            host.run(["losetup", "-d", device])


def uuid(host: LocalHost, device: str) -> str:
    """The UUID of the file system on a device."""
    return host.run(["blkid", "-c", "/dev/null", "-s", "UUID", "-o", "value", device]).text
