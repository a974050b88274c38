"""The documents that kubeadm reads (kubeadm.k8s.io/v1beta4); pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from providers.software.runtime import SOCKETS

API = "kubeadm.k8s.io/v1beta4"


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


def init(wanted: Mapping[str, Any]) -> str:
    """The documents of `kubeadm init`: Init-, Cluster-, Kubelet- and KubeProxyConfiguration."""
    first = {
        "apiVersion": API,
        "kind": "InitConfiguration",
        "bootstrapTokens": [],
        "nodeRegistration": registration(wanted),
        "localAPIEndpoint": _endpoint(wanted),
        "timeouts": wanted.get("timeouts", {}),
    }
    cluster = {
        "apiVersion": API,
        "kind": "ClusterConfiguration",
        "kubernetesVersion": wanted["version"],
        "controlPlaneEndpoint": wanted["endpoint"],
        **wanted.get("cluster", {}),
    }
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "systemd",
    }
    proxy = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        **wanted.get("kube_proxy_configuration", {}),
    }
    return _documents([first, cluster, kubelet, proxy])


def join(wanted: Mapping[str, Any], *, token: str) -> str:
    """The document of `kubeadm join`; the cluster is known by the digest of its CA's key."""
    document: dict[str, Any] = {
        "apiVersion": API,
        "kind": "JoinConfiguration",
        "nodeRegistration": registration(wanted),
        "discovery": {
            "bootstrapToken": {
                "apiServerEndpoint": wanted["endpoint"],
                "token": token,
                "caCertHashes": [wanted["ca"]],
            }
        },
        "timeouts": wanted.get("timeouts", {}),
    }
    if wanted["role"] == "control-plane":
        document["controlPlane"] = {"localAPIEndpoint": _endpoint(wanted)}
    return _documents([document])


def _documents(documents: Sequence[Mapping[str, Any]]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False)
