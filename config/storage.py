"""What a machine mounts, and which of its directories live elsewhere than on the card it starts from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, WithJsonSchema

from config.base import Part
from config.scalars import wrong

_PATH = r"(/[A-Za-z0-9._@:+-]+)+"
_SOURCE = r"(UUID|LABEL|PARTUUID|PARTLABEL)=[A-Za-z0-9._:+-]+|/dev(/[A-Za-z0-9._:+-]+)+|[^\s/=]+:/\S*|tmpfs"
_WORD = r"[A-Za-z0-9._-]+"
_OPTIONS = r"[^\s,]+(,[^\s,]+)*"
_SYSTEM = ("/boot", "/etc", "/dev", "/proc", "/sys", "/run", "/bin", "/sbin", "/lib", "/var/lib/helicon")
"""What the machine starts from and helicon works with: neither these nor what is below them."""
_TOPS = ("/usr", "/var", "/var/lib", "/tmp", "/root")
"""What is too much; directories below are fine."""


def _directory(value: str) -> str:
    if not re.fullmatch(_PATH, value) or {".", ".."} & set(value.split("/")):
        expected = "an absolute path of letters, digits and . _ @ : + -"
        raise wrong(expected, "Write for example /srv/data, without spaces and without / at the end.")
    if value in _TOPS or any(f"{value}/".startswith(f"{one}/") for one in _SYSTEM):
        raise wrong("a directory that the system can start without", "Choose for example /var/lib/etcd.")
    return value


def _source(value: str) -> str:
    if not re.fullmatch(_SOURCE, value):
        expected = "UUID=…, LABEL=…, PARTUUID=…, a path below /dev, or server:/path"
        raise wrong(expected, "`lsblk -o NAME,SIZE,UUID,LABEL` on the machine shows its devices.")
    return value


def _options(value: str) -> str:
    if not re.fullmatch(_OPTIONS, value):
        raise wrong("mount options", "Write words with commas between them, for example defaults,noatime.")
    return value


def _type(value: str) -> str:
    if not re.fullmatch(_WORD, value):
        raise wrong("a type of file system", "Write for example ext4, xfs or nfs.")
    return value


def _schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$", "examples": [example]})


Directory = Annotated[str, AfterValidator(_directory), _schema(_PATH, "/srv/data")]
Source = Annotated[
    str, AfterValidator(_source), _schema(_SOURCE, "UUID=655a39e8-9a5d-45f3-ae14-73b4c5ed50c3")
]
Options = Annotated[str, AfterValidator(_options), _schema(_OPTIONS, "defaults,noatime,nofail")]
FileSystem = Annotated[str, AfterValidator(_type), _schema(_WORD, "ext4")]


class Mount(Part):
    """A file system that exists already; helicon never formats anything."""

    source: Source
    """Device (best by UUID=; RAID devices are devices like others), or server:/path."""
    type: FileSystem = "auto"
    """Type of the file system; auto: what the device holds, nfs for server:/path."""
    options: Options = "defaults,noatime,nofail"
    """Mount options; without nofail, a machine whose disk is missing waits at its console."""
    fsck: Literal[0, 1, 2] = 0
    """When fsck looks at it at the start (the last field of fstab): 0 never, 2 after the root."""


class Storage(Part):
    """Disks and directories."""

    mounts: Mapping[Directory, Mount] = {}
    """What is mounted where, by mount point."""
    binds: Mapping[Directory, Directory] = {}
    """Directories that live elsewhere, by their usual path; data in them are moved, services stop meanwhile."""
    nfs_client: bool = False
    """Whether the machine can mount NFS (for itself and for volumes of pods)."""
    ceph_client: bool = False
    """Whether the machine can mount Ceph (CephFS and block devices)."""
