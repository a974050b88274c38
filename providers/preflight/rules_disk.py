"""The rules for a machine's disks: room, speed, and names of their own; pure."""

from __future__ import annotations

from collections.abc import Iterator

from config import EtcdMember, Machine, Node, Rack
from config.etcd import HEARTBEAT
from providers.facts.machine import Disk, Facts
from providers.preflight.finding import ERROR, WARNING, Finding, on

IMAGES, ETCD = "/var/lib/containerd", "/var/lib/etcd"
LEAST_FREE = 1024
"""MiB without which not even the images of a node's own pods fit."""
ADVISED_FREE = 4096
"""MiB that leave room for the user's images."""
WAL = 640
"""MiB of etcd's log: ten segments of 64 MB (etcd's --max-wals and SegmentSizeBytes)."""
ADVISED_FSYNC = 10.0
"""Milliseconds (etcd.io, "Disks": the 99th percentile of fsync should be less than 10 ms)."""


def disk(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Room for images, and for all that etcd may hold."""
    if not isinstance(machine, Node | EtcdMember):
        return
    images, etcd = _stays(machine, facts, IMAGES), _stays(machine, facts, ETCD)
    if images and images.free // 1024 < ADVISED_FREE:
        level = ERROR if images.free // 1024 < LEAST_FREE else WARNING
        least = LEAST_FREE if level == ERROR else ADVISED_FREE
        found = f"{images.free // 1024} MiB of {images.size // 1024}"
        cure = "a larger card (is its partition grown? df -h /), or a data disk for /var/lib/containerd"
        yield on(machine, level, "disk", expected=f"{least} MiB free for images", found=found, cure=cure)
    room = rack.cluster.etcd.quota // 1024**2 + WAL
    if holds_etcd(rack, machine) and etcd and etcd.free // 1024 < room:
        cure = "a larger card, a data disk for /var/lib/etcd, or a smaller cluster: {etcd: {quota: ...}}"
        expected = f"{room} MiB free for etcd's quota and log"
        yield on(machine, WARNING, "disk", expected=expected, found=f"{etcd.free // 1024} MiB", cure=cure)


def holds_etcd(rack: Rack, machine: Machine) -> bool:
    """Whether a member of etcd runs on the machine: each control plane's, unless etcd has machines of its own."""
    stacked = isinstance(machine, Node) and machine.is_control_plane and not rack.etcd_members
    return stacked or isinstance(machine, EtcdMember)


def fsync(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """A disk that is slower than etcd's heartbeat loses its leader again and again."""
    if facts.fsync is None or facts.fsync <= ADVISED_FSYNC or not _stays(machine, facts, ETCD):
        return
    heartbeat = rack.cluster.etcd.heartbeat_interval or HEARTBEAT
    level = ERROR if facts.fsync > heartbeat else WARNING
    most = f"{heartbeat} ms, etcd's heartbeat" if level == ERROR else f"{ADVISED_FSYNC:.0f} ms"
    cure = "etcd on an SSD, or cluster: {etcd: {heartbeat_interval: 500, election_timeout: 5000}}"
    expected = f"a write on disk within {most}"
    yield on(machine, level, "fsync", expected=expected, found=f"{facts.fsync:.1f} ms", cure=cure)


def disk_ids(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """VMware hides the identity of disks unless it is told not to; storage by identity then fails."""
    if isinstance(machine, Node) and facts.vendor.startswith("VMware") and not facts.disk_ids:
        cure = "shut the VM down, and in its advanced settings: disk.EnableUUID = TRUE"
        yield on(machine, WARNING, "disk ids", expected="disks in /dev/disk/by-id", found="none", cure=cure)


def _stays(machine: Machine, facts: Facts, place: str) -> Disk | None:
    """The disk of a directory; None where the stack file is about to give it another."""
    moved = (*machine.storage.mounts, *machine.storage.binds)
    coming = any(f"{place}/".startswith(f"{one}/") for one in moved)
    return None if coming and not facts.managed else facts.disks.get(place)


DISK_RULES = (disk, fsync, disk_ids)
