"""Disks for throwaway machines: files in memory behind loop devices of the real kernel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.local_host import LocalHost

_MAKE = """
set -eu; mkdir -p /tmp/disks; truncate -s "$2" "/tmp/disks/$1"; mkfs.ext4 -q -L "$1" "/tmp/disks/$1"
losetup -f --show "/tmp/disks/$1"
"""


@contextmanager
def disk(host: LocalHost, label: str, size: str = "24M") -> Iterator[str]:
    """The device of a disk with an ext4 file system of that label."""
    device = host.run(["sh", "-c", _MAKE, "disk", label, size]).text
    try:
        yield device
    finally:
        host.run(["losetup", "-d", device])


def uuid(host: LocalHost, device: str) -> str:
    """The UUID of the file system on a device."""
    return host.run(["blkid", "-c", "/dev/null", "-s", "UUID", "-o", "value", device]).text
