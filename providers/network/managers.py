"""The managers of networks that are known, and which of them a machine uses."""

from __future__ import annotations

from providers.network.backend import Backend
from providers.network.dhcpcd import Dhcpcd
from providers.network.ifupdown import Ifupdown
from providers.network.links import Links
from providers.network.netplan import Netplan
from providers.network.networkd import Networkd
from providers.network.networkmanager import NetworkManager

MANAGERS: tuple[Backend, ...] = (Netplan(), NetworkManager(), Networkd(), Dhcpcd(), Ifupdown())
"""In this order: netplan tells two of the others what to do, and ifupdown is there when nobody uses it."""


def manager_of(links: Links, interface: str) -> Backend | None:
    """The one that sets up the interface."""
    return next((one for one in MANAGERS if one.manages(links, interface)), None)
