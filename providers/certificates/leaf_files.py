"""The certificates that kubeadm made on a member: where they are, who signed them, what reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers.control_plane.static_pods import API_SERVER, CONTROLLER_MANAGER, ETCD, SCHEDULER

_KUBERNETES = "/etc/kubernetes"
_PKI = f"{_KUBERNETES}/pki"
KUBELET_CLIENT = "/var/lib/kubelet/pki/kubelet-client-current.pem"
"""Certificate and key in one file; the kubelet itself asks for the next before the end of this one."""
KUBELET = "kubelet"
VALID = "valid"
SUPER_ADMIN = "super-admin.conf"
"""Made by `kubeadm init` alone, so a control plane that joined has none."""


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One certificate, by the name that `kubeadm certs renew` has for it."""

    path: str
    ca: str = f"{_PKI}/ca.crt"
    reader: str = ""
    """The static pod that has to start anew; "" where it is read at each use."""


LEAVES: Mapping[str, Leaf] = {
    "admin.conf": Leaf(path=f"{_KUBERNETES}/admin.conf"),
    "apiserver-etcd-client": Leaf(
        path=f"{_PKI}/apiserver-etcd-client.crt", ca=f"{_PKI}/etcd/ca.crt", reader=API_SERVER
    ),
    "apiserver-kubelet-client": Leaf(path=f"{_PKI}/apiserver-kubelet-client.crt", reader=API_SERVER),
    "controller-manager.conf": Leaf(path=f"{_KUBERNETES}/controller-manager.conf", reader=CONTROLLER_MANAGER),
    "etcd-healthcheck-client": Leaf(path=f"{_PKI}/etcd/healthcheck-client.crt", ca=f"{_PKI}/etcd/ca.crt"),
    "etcd-peer": Leaf(path=f"{_PKI}/etcd/peer.crt", ca=f"{_PKI}/etcd/ca.crt", reader=ETCD),
    "etcd-server": Leaf(path=f"{_PKI}/etcd/server.crt", ca=f"{_PKI}/etcd/ca.crt", reader=ETCD),
    "front-proxy-client": Leaf(
        path=f"{_PKI}/front-proxy-client.crt", ca=f"{_PKI}/front-proxy-ca.crt", reader=API_SERVER
    ),
    "scheduler.conf": Leaf(path=f"{_KUBERNETES}/scheduler.conf", reader=SCHEDULER),
    SUPER_ADMIN: Leaf(path=f"{_KUBERNETES}/{SUPER_ADMIN}"),
    KUBELET: Leaf(path=KUBELET_CLIENT, reader=KUBELET),
}
OF_ETCD = ("apiserver-etcd-client", "etcd-healthcheck-client", "etcd-peer", "etcd-server")
"""Those that kubeadm does not make where etcd has machines of its own."""


def names(*, control_plane: bool, stacked: bool) -> list[str]:
    """The certificates of a member; `stacked`: etcd runs on the control planes."""
    if not control_plane:
        return [KUBELET]
    return [name for name in LEAVES if stacked or name not in OF_ETCD]
