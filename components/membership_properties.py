"""What the configuration says of a node's place in the cluster: membership, labels, and what kubeadm is told; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components import certificate_properties, etcd_properties
from components.properties import Properties
from config import Node, Rack
from config.etcd import DATA_DIRECTORY, Etcd
from providers.software.runtime import SOCKETS

_SHUTDOWN = "5s"
"""From the end of readiness to the end of service: load balancers ask every few seconds whether it is ready.

What is asked meanwhile ends within a static pod's grace of 30 seconds (terminationGracePeriodSeconds).
"""


def membership(rack: Rack, node: Node, ca_digest: Any) -> Properties:
    """A node's kubeadm settings, labels and taints (the PKI is added for control planes)."""
    taints = {f"{one.key}:{one.effect}": one.value for one in node.taints}
    kubeadm: Properties = {
        "role": "control-plane" if node.is_control_plane else "worker",
        "version": f"v{rack.cluster.kubernetes}",
        "node_name": node.hostname,
        "address": str(node.address),
        "endpoint": f"{rack.cluster.endpoint}:{rack.cluster.endpoint_port}",
        "cri_socket": SOCKETS[node.runtime],
        "ca": ca_digest,
        "taints": taints,
        "ignore_preflight_errors": list(rack.cluster.ignore_preflight_errors),
        "timeouts": dict(rack.cluster.timeouts),
    }
    zone = rack.zone(node.zone)
    through = f"{zone.endpoint}:{zone.endpoint_port}"
    if node.zone:
        kubeadm["discovery"] = through
    if node.is_control_plane:
        kubeadm["cluster"] = cluster_configuration(rack)
        kubeadm["kube_proxy_configuration"] = kube_proxy(rack)
        if containers(rack):
            kubeadm["containers"] = containers(rack)
    # a control plane's kubelet talks to its own API server
    endpoint = {"endpoint": through} if node.zone and not node.is_control_plane else {}
    leaves = {
        **certificate_properties.leaves(rack, node),
        **certificate_properties.kubelet_serving(rack, node),
    }
    return {"kubeadm": kubeadm, **endpoint, **leaves, "labels": dict(node.labels), "taints": taints}


def cluster_configuration(rack: Rack) -> Properties:
    """The part of kubeadm's ClusterConfiguration that is ours to say."""
    cluster = rack.cluster
    manager = {
        "node-cidr-mask-size": str(cluster.node_cidr_mask),
        **certificate_properties.signing(),
        **cluster.controller_manager.arguments(),
    }
    return {
        "clusterName": cluster.name,
        "networking": {
            "podSubnet": str(cluster.pod_cidr),
            "serviceSubnet": str(cluster.service_cidr),
            "dnsDomain": cluster.dns_domain,
        },
        "apiServer": {"extraArgs": {"shutdown-delay-duration": _SHUTDOWN, **cluster.api_server.arguments()}},
        "controllerManager": {"extraArgs": manager},
        **_arguments("scheduler", cluster.scheduler.arguments()),
        "etcd": etcd_properties.external(rack) if rack.etcd_members else stacked(cluster.etcd),
        "encryptionAlgorithm": "ECDSA-P256" if rack.authority.algorithm == "ECDSA" else "RSA-2048",
        **certificate_properties.validity(rack),
    }


def _arguments(component: str, arguments: Properties) -> Properties:
    return {component: {"extraArgs": arguments}} if arguments else {}


def stacked(etcd: Etcd) -> Properties:
    """An etcd member on each control plane."""
    elsewhere = {"dataDir": etcd.data_dir} if etcd.data_dir != DATA_DIRECTORY else {}
    return {"local": {**elsewhere, "extraArgs": etcd.arguments()}}


def containers(rack: Rack) -> Properties:
    """What the static pods' containers have otherwise than kubeadm writes them."""
    cluster = rack.cluster
    found = {
        **({} if rack.etcd_members else {"etcd": cluster.etcd.container()}),
        "kube-apiserver": cluster.api_server.probes.container(),
        "kube-controller-manager": cluster.controller_manager.probes.container(),
        "kube-scheduler": cluster.scheduler.probes.container(),
    }
    return {name: container for name, container in found.items() if container}


def kube_proxy(rack: Rack) -> Properties:
    """kube-proxy's configuration."""
    overlay: Mapping[str, Any] = rack.cluster.kube_proxy.overlay
    return {"mode": rack.cluster.kube_proxy.mode, **overlay}
