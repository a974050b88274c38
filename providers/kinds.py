"""The resource types of a machine, as a table of contents: what each manages, in the order it is made."""

from __future__ import annotations

from providers.access.passwords import Passwords
from providers.access.sshd import Sshd
from providers.access.users import Users
from providers.backup.backup import Backup
from providers.backup.backup_credentials import BackupCredentials
from providers.balancing.haproxy import Haproxy
from providers.balancing.keepalived import Keepalived
from providers.certificates.kubelet_serving import KubeletServing
from providers.certificates.leaves import Leaves
from providers.certificates.pki import Pki
from providers.certificates.trusted_cas import TrustedCas
from providers.core.resource import Kind
from providers.etcd.etcd_member import EtcdMember
from providers.membership.endpoint import Endpoint
from providers.membership.kubeadm import Kubeadm
from providers.membership.labels import Labels
from providers.membership.taints import Taints
from providers.network.network import Network
from providers.network.unmanaged_interfaces import UnmanagedInterfaces
from providers.software.artifacts import Artifacts
from providers.software.containerd import Containerd
from providers.software.debs import Debs
from providers.software.docker import Docker
from providers.software.images import Images
from providers.software.kubelet import Kubelet
from providers.software.kubelet_config import KubeletConfig
from providers.software.packages import Packages
from providers.software.repositories import Repositories
from providers.software.upgrade import Upgrade
from providers.storage.binds import Binds
from providers.storage.mounts import Mounts
from providers.system.architecture import Architecture
from providers.system.boot import Boot
from providers.system.certificates import Certificates
from providers.system.clock import Clock
from providers.system.disabled_services import DisabledServices
from providers.system.files import Files
from providers.system.hostname import Hostname
from providers.system.hosts import Hosts
from providers.system.keyboard import Keyboard
from providers.system.locale import Locale
from providers.system.logs import Logs
from providers.system.modules import Modules
from providers.system.swap import Swap
from providers.system.sysctl import Sysctl
from providers.system.timezone import Timezone
from providers.system.units import Units
from providers.system.upgrades import Upgrades

_SOURCES = (Debs(), Repositories())
"""Before the first package, wherever it is installed; after the clock (signatures), certificates and files."""
_SETTINGS = (Timezone(), Locale(), Keyboard(), Certificates(), DisabledServices(), Upgrades(), Logs())

KINDS = {
    kind.name: kind
    for kind in (
        Kind(name="Access", things=(Architecture(), Users(), Passwords(), Sshd())),
        Kind(name="Network", optional=True, things=(Network(),)),
        Kind(
            name="System",
            things=(
                Hostname(),
                Hosts(),
                Clock(),
                *_SETTINGS,
                UnmanagedInterfaces(),
                Files(),
                Units(),
                *_SOURCES,
            ),
        ),
        Kind(name="Kernel", optional=True, things=(Boot(), Modules(), Sysctl(), Swap())),
        Kind(name="Storage", optional=True, things=(Packages(), Mounts(), Binds())),
        Kind(
            name="Software",
            things=(
                Artifacts(),
                Packages(),
                Upgrade(),
                Containerd(),
                Docker(),
                Images(),
                KubeletConfig(),
                Kubelet(),
            ),
        ),
        Kind(name="Balancer", optional=True, things=(Packages(), Upgrade(), Haproxy(), Keepalived())),
        Kind(name="Etcd", things=(Pki(), EtcdMember(), BackupCredentials(), Backup())),
        Kind(
            name="Membership",
            things=(
                Pki(),
                Kubeadm(),
                Endpoint(),
                TrustedCas(),
                Leaves(),
                KubeletServing(),
                Labels(),
                Taints(),
                BackupCredentials(),
                Backup(),
            ),
        ),
    )
}
"""By name. A machine's resources depend on each other in this order, and are removed in reverse."""


def made_after(name: str) -> list[Kind]:
    """The kinds that come after one, in order."""
    kinds = list(KINDS.values())
    return kinds[kinds.index(KINDS[name]) + 1 :]
