"""A machine's own network: what is static about it, and which interfaces are not NetworkManager's business."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.base import Part
from config.scalars import Address, DomainName, matching

INTERFACES_OF_PODS = (
    "cni*",
    "flannel*",
    "veth*",
    "cali*",
    "tunl*",
    "vxlan.calico",
    "cilium*",
    "lxc*",
    "kube-ipvs*",
)
"""What flannel, Calico, Cilium and kube-proxy make on a node."""
InterfaceName = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_.-]{0,15}",
        "the name of a network interface",
        "Take it from `ip link`, for example eth0.",
        15,
    ),
]
InterfacePattern = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_.-]+\*?",
        "the name of an interface, with * for any end",
        "Write for example cni* or flannel.1.",
    ),
]
Servers = Annotated[tuple[Address, ...], Field(max_length=3)]
"""More than three are ignored by the resolver (MAXNS in resolv.conf(5))."""


class MachineNetwork(Part):
    """The machine's `address`, kept static by whatever manages its network; `subnet` gives the prefix."""

    interface: InterfaceName = ""
    """Interface; without it, the one with the address, else the one of the default route."""
    gateway: Address | None = None
    """Default gateway, inside the subnet."""
    dns: Servers = ()
    """Name servers."""
    search: tuple[DomainName, ...] = ()
    """Search domains."""
    resolv_conf: Literal["keep", "static", "none"] = "keep"
    """/etc/resolv.conf: keep (its manager writes it), static (this program does), none (DNS is not touched)."""
    deadline: Annotated[int, Field(ge=20, le=900)] = 60
    """Seconds after which a changed network goes back by itself, unless the machine was reached again."""
    restore: bool = False
    """Whether `destroy` puts the former network back, too."""
