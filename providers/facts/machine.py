"""A machine's facts, as its answer to the one question tells them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Words = Mapping[str, Sequence[str]]
_ARM64 = ("aarch64", "arm64")
_KERNELS = {"aarch64": "arm64", "x86_64": "amd64", "armv7l": "armhf", "armv6l": "armv6"}
_NOW, _SINCE_BOOT = 0x1, 0x10000
"""Bits of `vcgencmd get_throttled`: under-voltage now, and since the last start (Raspberry Pi's documentation)."""


@dataclass(frozen=True, kw_only=True)
class Swap:
    """One active swap; sizes in KiB."""

    name: str
    size: int
    used: int


@dataclass(frozen=True, kw_only=True)
class Disk:
    """The file system below a directory; sizes in KiB."""

    size: int
    free: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What one machine says of itself; what it did not say is empty, 0 or None."""

    now: float = 0.0
    """Its clock, in seconds since the epoch."""
    kernel: str = ""
    kernel_architecture: str = ""
    architecture: str = ""
    """Debian's name of the userland's architecture."""
    os: str = ""
    model: str = ""
    vendor: str = ""
    page_size: int = 0
    """Bytes."""
    machine_id: str = ""
    container: bool = False
    managed: bool = False
    """Whether helicon has begun to manage it."""
    member: bool = False
    """Whether it has joined a cluster."""
    memory: int = 0
    """KiB in all."""
    memory_free: int = 0
    """KiB that programs could get."""
    swaps: tuple[Swap, ...] = ()
    swap_makers: tuple[str, ...] = ()
    """Files that make swap at the next start."""
    cgroup: int = 0
    """Version: 1 or 2."""
    memory_controller: bool = False
    modules: Mapping[str, str] = field(default_factory=dict)
    """Kernel modules: loaded, builtin, loadable, missing, or unknown where there is no /lib/modules."""
    under_voltage: str = ""
    """"now", "since the last start" or empty."""
    disks: Mapping[str, Disk] = field(default_factory=dict)
    disk_ids: int = 0
    """Disks with an identity of their own in /dev/disk/by-id."""
    macs: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    """IPv4 addresses."""
    host_keys: tuple[str, ...] = ()
    """Public host keys, `type base64`."""
    nameservers: tuple[str, ...] = ()
    upstreams: tuple[str, ...] = ()
    """What systemd-resolved asks."""
    resolves: bool | None = None
    """Whether the name was found; None when it was not asked for."""
    listening: Mapping[int, str] = field(default_factory=dict)
    """TCP ports to the program that listens ("?" when it is not known)."""
    fsync: float | None = None
    """Milliseconds for one small write to reach the disk where etcd will live; None when not measured."""

    @property
    def swap_used(self) -> int:
        """KiB of swap that is in use now."""
        return sum(one.used for one in self.swaps)


def parse(text: str) -> Facts | None:
    """The facts in an answer; None when the machine did not come to its end."""
    lines = text.splitlines()
    if not lines or lines[-1] != "end":
        return None
    words: dict[str, list[str]] = defaultdict(list)
    for line in lines[:-1]:
        word, _, value = line.partition(" ")
        words[word].append(value.strip())
    return Facts(**{**_identity(words), **_resources(words), **_network(words)})  # type: ignore[arg-type]


def _identity(words: Words) -> dict[str, object]:
    machine = _one(words, "machine")
    return {
        "now": float(re.sub(r"[^0-9.]", "", _one(words, "now")) or 0),
        "kernel": _one(words, "kernel"),
        "kernel_architecture": _KERNELS.get(machine, machine),
        "architecture": _userland(_one(words, "userland"), machine),
        "os": _one(words, "os"),
        "model": _one(words, "model"),
        "vendor": _one(words, "vendor"),
        "page_size": _number(_one(words, "page_size")),
        "machine_id": _one(words, "machine_id"),
        "container": bool(_one(words, "container")),
        "managed": bool(_one(words, "managed")),
        "member": bool(_one(words, "member")),
    }


def _userland(said: str, machine: str) -> str:
    """dpkg's answer; where there is no dpkg, the width of a C long and the kernel's architecture."""
    if said == "32" and machine in _ARM64:
        return "armhf"
    if said == "armhf" and machine == "armv6l":
        return "armv6"  # Raspbian calls itself armhf on boards that have only ARMv6
    return _KERNELS.get(machine, machine) if said in ("", "32", "64") else said


def _resources(words: Words) -> dict[str, object]:
    cgroup = _one(words, "cgroup").split()
    return {
        "memory": _number(_one(words, "memtotal")),
        "memory_free": _number(_one(words, "memavailable")),
        "swaps": tuple(_swap(one) for one in words.get("swap", ())),
        "swap_makers": tuple(dict.fromkeys(words.get("swap_maker", ()))),
        "cgroup": _number(cgroup[0]) if cgroup else 0,
        "memory_controller": "memory" in cgroup,
        "modules": _pairs(words.get("module", ())),
        "under_voltage": _under_voltage(words),
        "disks": dict(_disk(one) for one in words.get("disk", ())),
        "disk_ids": _number(_one(words, "disk_ids")),
        "fsync": _fsync(_one(words, "fsync")),
    }


def _network(words: Words) -> dict[str, object]:
    lookup = _one(words, "lookup")
    ports = _pairs(words.get("listens", ()))
    return {
        "macs": tuple(one for one in words.get("mac", ()) if one.strip("0:")),
        "addresses": tuple(one.partition("/")[0] for one in words.get("address", ())),
        "host_keys": tuple(words.get("host_key", ())),
        "nameservers": tuple(words.get("nameserver", ())),
        "upstreams": tuple(words.get("upstream", ())),
        "resolves": lookup == "yes" if lookup else None,
        "listening": {int(port): name for port, name in ports.items() if port.isdecimal()},
    }


def _swap(line: str) -> Swap:
    name, *numbers = line.split()
    size, used = [_number(one) for one in numbers[-2:]]
    return Swap(name=name, size=size, used=used)


def _disk(line: str) -> tuple[str, Disk]:
    place, size, free = line.split()
    return place, Disk(size=_number(size), free=_number(free))


def _under_voltage(words: Words) -> str:
    said = _one(words, "throttled").partition("=")[2]
    bits = int(said, 16) if re.fullmatch(r"0x[0-9a-f]+", said) else 0
    if bits & _NOW or "1" in words.get("under_voltage", ()):
        return "now"
    return "since the last start" if bits & _SINCE_BOOT else ""


def _fsync(line: str) -> float | None:
    """From "64 147200 bytes (147 kB, 144 KiB) copied, 0.312 s, 472 kB/s"."""
    match = re.match(r"(\d+) .*copied, ([0-9.e-]+) s", line)
    return float(match[2]) * 1000 / int(match[1]) if match else None


def _one(words: Words, word: str) -> str:
    return next(iter(words.get(word, ())), "")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    split = (line.partition(" ") for line in lines)
    return {name: value for name, _, value in split}
