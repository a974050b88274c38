"""What the configuration says of the certificates on a node, as properties and as kubeadm is told; pure."""

from __future__ import annotations

from typing import Any

from config import Node, Rack
from providers.certificates import leaf_files
from providers.certificates.authorities import CLUSTER, SIGNING_ARGUMENT
from providers.certificates.pki import SIGNING
from providers.certificates.trusted_cas import CLUSTER_INFO

Properties = dict[str, Any]
KUBEADM_HOURS = 8760
"""How long kubeadm's certificates last when it is told nothing (CertificateValidityPeriod)."""
_KUBECONFIGS = ("admin.conf", "controller-manager.conf", "scheduler.conf", "super-admin.conf")


def leaves(rack: Rack, node: Node) -> Properties:
    """The certificates that kubeadm makes on the node, and how long before their end they are renewed."""
    names = leaf_files.names(control_plane=node.is_control_plane, stacked=not rack.etcd_members)
    early = rack.authority.early_renewal_hours
    return {"leaves": {"early_renewal_hours": early, "certificates": dict.fromkeys(names, leaf_files.VALID)}}


def kubelet_serving(rack: Rack, node: Node) -> Properties:
    """The certificate that the node's kubelet serves with, where the cluster's CA is to sign it."""
    if rack.authority.kubelet_serving != "signed":
        return {}
    early = rack.authority.early_renewal_hours
    about = {"node": node.hostname, "address": str(node.address), "early_renewal_hours": early}
    return {"kubelet_serving": {**about, "certificate": leaf_files.VALID}}


def kubelet_config(rack: Rack) -> Properties:
    """What a kubelet's configuration says of it: that it asks for a certificate."""
    return {"serverTLSBootstrap": True} if rack.authority.kubelet_serving == "signed" else {}


def trusted_cas(rack: Rack, node: Node, bundle: Any) -> Properties:
    """The cluster CAs that the node trusts; nothing for a rack whose first CA is still the only one."""
    if rack.authority.cas.kubernetes.bundle() == (1,):
        return {}
    kubeconfigs = ["kubelet.conf", *(_KUBECONFIGS if node.is_control_plane else ())]
    paths = [f"/etc/kubernetes/{name}" for name in kubeconfigs]
    return {
        "trusted_cas": dict.fromkeys([*paths, CLUSTER_INFO if node.is_control_plane else CLUSTER], bundle)
    }


def signing() -> dict[str, str]:
    """The controller manager's arguments: it signs with one certificate, also while ca.crt holds two."""
    return {SIGNING_ARGUMENT: SIGNING}


def validity(rack: Rack) -> Properties:
    """The lifetime of kubeadm's own certificates, where it is another than kubeadm's."""
    hours = rack.authority.validity_hours
    return {} if hours == KUBEADM_HOURS else {"certificateValidityPeriod": f"{hours}h0m0s"}
