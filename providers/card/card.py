"""What a card is told of its board, and the files that tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from config import Machine
from config.network import MachineNetwork

Files = Mapping[str, "File"]
"""Path below the card's mount point to the file there."""
PREFIX = 24
"""The length of the network's prefix where the stack file names no subnet."""
INTERFACE = "eth0"
"""The one wired interface of a Raspberry Pi."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A text and its octal mode (which FAT partitions do without)."""

    text: str
    mode: int = 0o644


@dataclass(frozen=True, kw_only=True)
class Card:
    """One board, as its first start must make it."""

    hostname: str
    domain: str
    user: str
    key: str
    """The public key that may log in, as one line."""
    address: str
    prefix: int
    gateway: str
    nameservers: tuple[str, ...]
    interface: str

    @property
    def fqdn(self) -> str:
        """Host name and domain."""
        return f"{self.hostname}.{self.domain}" if self.domain else self.hostname

    @property
    def netmask(self) -> str:
        """The prefix as four numbers."""
        return str(IPv4Network((0, self.prefix)).netmask)


def card_of(
    machine: Machine, key: str, *, gateway: str = "", nameservers: Sequence[str] = (), interface: str = ""
) -> Card:
    """The card of a configured machine.

    What is not said here is taken from the machine's `network`; without it, the gateway is the first
    address of the subnet, and the name server too.
    """
    network = IPv4Network(machine.subnet or f"{machine.address}/{PREFIX}", strict=False)
    own = machine.network or MachineNetwork()
    way_out = gateway or str(own.gateway or network[1])
    return Card(
        hostname=machine.hostname,
        domain=machine.domain,
        user=machine.connection.user,
        key=" ".join(key.split()),
        address=str(machine.address),
        prefix=network.prefixlen,
        gateway=way_out,
        nameservers=tuple(nameservers) or tuple(str(one) for one in own.dns) or (way_out,),
        interface=interface or own.interface or INTERFACE,
    )
