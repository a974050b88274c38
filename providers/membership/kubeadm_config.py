"""The documents that kubeadm reads (kubeadm.k8s.io/v1beta4); pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from providers.control_plane.live_settings import listed
from providers.software.runtime import SOCKETS

API = "kubeadm.k8s.io/v1beta4"
PATCHES = "/var/lib/helicon/patches"
"""Where kubeadm finds what the static pods have otherwise; for `kubeadm upgrade --patches`, too."""


def taint_list(taints: Mapping[str, str]) -> list[dict[str, str]]:
    """Kubernetes' list of taints for {"key:Effect": "value"}."""
    split = ((key.rpartition(":"), value) for key, value in taints.items())
    return [{"key": key, "effect": effect, "value": value} for (key, _, effect), value in split]


def registration(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """How the kubelet registers: name, runtime, taints, and preflight errors to pass over."""
    return {
        "name": wanted["node_name"],
        "criSocket": wanted.get("cri_socket", SOCKETS["containerd"]),
        "taints": taint_list(wanted.get("taints", {})),
        "ignorePreflightErrors": list(wanted.get("ignore_preflight_errors", [])),
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": [{"name": "node-ip", "value": wanted["address"]}],
    }


def _endpoint(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"advertiseAddress": wanted["address"], "bindPort": int(wanted.get("bind_port", 6443))}


def first(wanted: Mapping[str, Any], *, patches: str = PATCHES) -> dict[str, Any]:
    """The InitConfiguration of this machine; `patches`: the directory that holds them, where it has any."""
    return {
        "apiVersion": API,
        "kind": "InitConfiguration",
        "bootstrapTokens": [],
        "nodeRegistration": registration(wanted),
        "localAPIEndpoint": _endpoint(wanted),
        "timeouts": wanted.get("timeouts", {}),
        **_patches(wanted, patches),
    }


def _patches(wanted: Mapping[str, Any], directory: str) -> dict[str, Any]:
    return {"patches": {"directory": directory}} if wanted.get("containers") else {}


def cluster(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The ClusterConfiguration."""
    return {
        "apiVersion": API,
        "kind": "ClusterConfiguration",
        "kubernetesVersion": wanted["version"],
        "controlPlaneEndpoint": wanted["endpoint"],
        "scheduler": {},
        **listed(wanted.get("cluster", {})),
    }


def kube_proxy(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The KubeProxyConfiguration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        **wanted.get("kube_proxy_configuration", {}),
    }


def init(wanted: Mapping[str, Any], *, patches: str = PATCHES) -> str:
    """The documents of `kubeadm init`: Init-, Cluster-, Kubelet- and KubeProxyConfiguration."""
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "systemd",
    }
    return render([first(wanted, patches=patches), cluster(wanted), kubelet, kube_proxy(wanted)])


def join(wanted: Mapping[str, Any], *, token: str) -> str:
    """The document of `kubeadm join`; the cluster is known by the digest of its CA's key."""
    document: dict[str, Any] = {
        "apiVersion": API,
        "kind": "JoinConfiguration",
        "nodeRegistration": registration(wanted),
        "discovery": {
            "bootstrapToken": {
                "apiServerEndpoint": wanted.get("discovery", wanted["endpoint"]),
                "token": token,
                "caCertHashes": [wanted["ca"]],
            }
        },
        "timeouts": wanted.get("timeouts", {}),
    }
    if wanted["role"] == "control-plane":
        document["controlPlane"] = {"localAPIEndpoint": _endpoint(wanted)}
        document |= _patches(wanted, PATCHES)
    return render([document])


def render(documents: Sequence[Mapping[str, Any]]) -> str:
    """The documents as one text."""
    return yaml.safe_dump_all(documents, sort_keys=False)
