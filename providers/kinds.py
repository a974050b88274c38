"""The resource types of a machine, as a table of contents: what each manages, in the order it is made."""

from __future__ import annotations

from providers.architecture import Architecture
from providers.artifacts import Artifacts
from providers.clock import Clock
from providers.containerd import Containerd
from providers.files import Files
from providers.haproxy import Haproxy
from providers.hostname import Hostname
from providers.hosts import Hosts
from providers.images import Images
from providers.kubeadm import Kubeadm
from providers.kubelet import Kubelet
from providers.kubelet_config import KubeletConfig
from providers.labels import Labels
from providers.modules import Modules
from providers.packages import Packages
from providers.pki import Pki
from providers.repositories import Repositories
from providers.resource import Kind
from providers.swap import Swap
from providers.sysctl import Sysctl
from providers.taints import Taints
from providers.units import Units

_SOURCES = (Artifacts(), Repositories(), Packages())

KINDS = {
    kind.name: kind
    for kind in (
        Kind(name="Access", things=(Architecture(),)),
        Kind(name="System", things=(Hostname(), Hosts(), Clock(), Files(), Units())),
        Kind(name="Kernel", things=(Modules(), Sysctl(), Swap())),
        Kind(name="Software", things=(*_SOURCES, Containerd(), Images(), KubeletConfig(), Kubelet())),
        Kind(name="Balancer", things=(*_SOURCES, Haproxy())),
        Kind(name="Membership", things=(Pki(), Kubeadm(), Labels(), Taints())),
    )
}
"""By name. A machine's resources depend on each other in this order, and are removed in reverse."""


def made_after(name: str) -> list[Kind]:
    """The kinds that come after one, in order."""
    kinds = list(KINDS.values())
    return kinds[kinds.index(KINDS[name]) + 1 :]
