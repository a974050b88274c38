"""Which board has which address: a pure function of its name, so that boards come and go alone."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from lab.errors import LabError

SUBNET = ipaddress.IPv4Network("10.123.0.0/24")
OFFSETS = {"lb": (10, 9), "cp": (20, 9), "w": (30, 210)}
"""First address less one, and how many, for each kind; from .241 on all is free for virtual addresses."""
BOARDS = ("lb-1", "lb-2", "cp-1", "cp-2", "cp-3", "w-1", "w-2", "w-3")
"""The rack of `Pulumi.lab.yaml`, and one board to add."""


DRESSES = {
    "raspios-legacy": "bookworm",
    "raspios": "bookworm",
    "armbian": "trixie",
    "debian-grub": "trixie",
    "debian-ifupdown": "bookworm",
}
"""What a board can be made to look like (`image/dress`), and the suite of Debian below."""


@dataclass(frozen=True, kw_only=True)
class Lab:
    """One rack of boards; several share the namespace and the daemon, not their subnet."""

    name: str = "lab"
    subnet: ipaddress.IPv4Network = SUBNET

    @property
    def network(self) -> str:
        """The name of its Docker network."""
        return f"helicon-{self.name}"

    @property
    def bridge(self) -> str:
        """The name of its bridge in the namespace; the kernel allows 15 characters."""
        return f"hl-{self.name}"[:15]

    @property
    def gateway(self) -> str:
        """The namespace's own address among the boards: where the time server listens."""
        return str(self.subnet[1])


@dataclass(frozen=True, kw_only=True)
class Board:
    """One board; `name` is unique in its lab, `container` on this machine, `dress` one of DRESSES or plain."""

    lab: Lab
    name: str
    dress: str = ""

    @property
    def container(self) -> str:
        """The name of its container."""
        return f"helicon-{self.lab.name}-{self.name}"

    @property
    def address(self) -> str:
        """Its fixed IPv4 address."""
        match = re.fullmatch(r"([a-z]+)-([1-9][0-9]*)", self.name)
        first, count = OFFSETS.get(match[1], (0, 0)) if match else (0, 0)
        number = int(match[2]) if match else 0
        if not 0 < number <= count:
            raise LabError(
                item=f"board {self.name}",
                expected=", ".join(f"{kind}-1 to {kind}-{most}" for kind, (_, most) in OFFSETS.items()),
                found=self.name,
                next_step="name the board after one of these",
            )
        return str(self.lab.subnet[first + number])

    @property
    def volumes(self) -> dict[str, str]:
        """Volume name to path: containerd, the kubelet and etcd need a file system that is no overlay."""
        return {f"{self.container}-data": "/var/lib"}


def boards(lab: Lab, names: Iterable[str]) -> list[Board]:
    """The boards named, each checked, in order and once."""
    found = [Board(lab=lab, name=name) for name in dict.fromkeys(names)]
    for board in found:
        _ = board.address
    return found
