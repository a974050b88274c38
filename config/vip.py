"""A virtual IP address: held by one of several machines at a time, handed on by keepalived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from config.base import Part
from config.network import InterfaceName
from config.scalars import Address, HostName, wrong

HIGHEST_PRIORITY, LOWEST_PRIORITY = 200, 101
"""A failed check takes 100 off, so any healthy machine comes before any that is not; VRRP's least is 1."""
_SHORTEST, _LONGEST = 50, 40_000
"""VRRP 3 counts adverts in hundredths of a second, up to 40.95 s (RFC 5798, section 5.2.7)."""


def _milliseconds(value: str) -> int | None:
    number, unit = (value[:-2], 1) if value.endswith("ms") else (value[:-1], 1000)
    known = value.endswith("s") and number.isascii() and number.isdigit()
    return int(number) * unit if known else None


def _interval(value: str) -> str:
    found = _milliseconds(value)
    if found is None or not _SHORTEST <= found <= _LONGEST or found % 10:
        raise wrong("a time from 50ms to 40s, in steps of 10ms", "Write for example 500ms or 1s.")
    return value


Interval = Annotated[
    str,
    AfterValidator(_interval),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]*(ms|s)$", "examples": ["500ms"]}),
]
Priority = Annotated[int, Field(ge=LOWEST_PRIORITY, le=HIGHEST_PRIORITY)]


class VipCheck(Part):
    """What a machine must pass to hold the address: /readyz of an API server by way of its own HAProxy."""

    interval: Annotated[int, Field(ge=1, le=3600)] = 1
    """Seconds between two checks."""
    timeout: Annotated[int, Field(ge=1, le=60)] = 2
    """Seconds that an answer may take."""
    fall: Annotated[int, Field(ge=1, le=100)] = 2
    """Failed checks after which another machine takes the address."""
    rise: Annotated[int, Field(ge=1, le=100)] = 2
    """Good checks after which the machine counts as healthy again."""


class Vip(Part):
    """A virtual address, always at one of the machines that share it."""

    address: Address
    """The address: in the machines' subnet, and no machine's own."""
    on: Literal["load-balancers", "control-planes"] = "load-balancers"
    """Who shares it; on control planes HAProxy runs beside the API server, at another port than 6443."""
    interface: InterfaceName = ""
    """Interface that gets the address; without it, on each machine the one that has the machine's own address."""
    router_id: Annotated[int, Field(ge=1, le=255)] | None = None
    """VRRP's number of the group, unique on the network; without it, the last byte of the address."""
    advert_interval: Interval = "500ms"
    """Time between two signs of life; a holder that was silent for three of them has lost the address."""
    unicast: bool = True
    """Whether the machines talk to each other's addresses; otherwise by multicast (224.0.0.18)."""
    preempt: bool = False
    """Whether a machine of higher priority takes the address back; otherwise it moves only when it must."""
    priorities: Mapping[HostName, Priority] = {}
    """With preempt, priorities by machine; the others have 200, 199, 198, in the order of the file."""
    check: VipCheck = VipCheck()
    """The check of health."""

    @property
    def group(self) -> int:
        """VRRP's number of the group (VRID)."""
        return self.router_id or int(self.address.rpartition(".")[2]) or 1

    @property
    def advert_ms(self) -> int:
        """Milliseconds between two signs of life."""
        return _milliseconds(self.advert_interval) or 0


def virtual(vip: Vip | None) -> list[str]:
    """The addresses that a virtual one adds to those at which the API is reached."""
    return [vip.address] if vip else []
