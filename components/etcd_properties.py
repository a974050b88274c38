"""What the configuration says of an external etcd, as properties of its machines and of the control planes; pure."""

from __future__ import annotations

from typing import Any

from components import backup, properties
from components.etcd_certificates import CLIENT
from components.sources import Source
from config import EtcdMember, Rack, versions
from config.merge import merged
from providers.etcd.etcdctl import PKI, client_url

Properties = dict[str, Any]
STANDALONE: Properties = {
    # kubernetes.io, "Set up a High Availability etcd Cluster with kubeadm": a kubelet as service manager
    "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"},
    "address": "127.0.0.1",
    "cgroupDriver": "systemd",
    "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
    "staticPodPath": "/etc/kubernetes/manifests",
    # no API server signs or renews anything for it
    "rotateCertificates": False,
    "serverTLSBootstrap": False,
}
"""What the kubelet needs to run pods of manifests without a cluster."""


def software(rack: Rack, member: EtcdMember, source: Source) -> Properties:
    """Packages, container runtime, image and kubelet of a member."""
    return {
        **source.artifacts(member),
        "packages": {
            **backup.packages(rack),
            **source.node_packages(member),
            **properties.extra_packages(member),
        },
        **properties.upgrade(member),
        "containerd": member.containerd.options(),
        **source.images(member),
        "kubelet": {"unit": source.kubelet_unit, "extra_args": {}},
        "kubelet_config": merged(dict(member.kubelet), STANDALONE),
    }


def member(rack: Rack, one: EtcdMember, ca: Any) -> Properties:
    """The member itself; who else is one is found out on the machines."""
    release = versions.RELEASES[rack.cluster.minor]
    return {
        "name": one.hostname,
        "address": str(one.address),
        "image": f"registry.k8s.io/etcd:{release.etcd}",
        "data_directory": rack.cluster.etcd.data_dir,
        "ca": ca,
        "args": rack.cluster.etcd.arguments(),
        "container": rack.cluster.etcd.container(),
    }


def external(rack: Rack) -> Properties:
    """kubeadm's ClusterConfiguration.etcd for a cluster whose etcd has machines of its own."""
    endpoints = sorted(client_url(str(one.address)) for one in rack.etcd_members.values())
    files = {"caFile": f"{PKI}/ca.crt", "certFile": f"{CLIENT}.crt", "keyFile": f"{CLIENT}.key"}
    return {"external": {"endpoints": endpoints, **files}}
