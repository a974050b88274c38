"""The pod network: flannel over VXLAN."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from config import Rack

NAMESPACE = "kube-flannel"
LABELS = {"app": "flannel", "tier": "node"}
CNI = {
    "name": "cbr0",
    "cniVersion": "0.3.1",
    "plugins": [
        {"type": "flannel", "delegate": {"hairpinMode": True, "isDefaultGateway": True}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}
"""What containerd reads on every node; flannel's plugin fills in the node's subnet."""
RULES = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch"]},
]


def _field(path: str) -> dict[str, Any]:
    return {"fieldRef": {"fieldPath": path}}


def _host_path(name: str, path: str, kind: str) -> dict[str, Any]:
    return {"name": name, "hostPath": {"path": path, "type": kind}}


def plugin_step(rack: Rack) -> list[dict[str, Any]]:
    """The init step that brings flannel's CNI plugin; a bundle of artifacts has it already."""
    if rack.artifacts:
        return []
    step = {
        "name": "install-cni-plugin",
        "image": rack.network.flannel_cni_image,
        "command": ["cp"],
        "args": ["-f", "/flannel", "/opt/cni/bin/flannel"],
        "volumeMounts": [{"name": "cni-plugin", "mountPath": "/opt/cni/bin"}],
    }
    return [step]


def placing() -> dict[str, Any]:
    """What places the CNI configuration, by which a node becomes Ready, once flanneld has its subnet.

    As an init step, which runs before flanneld, it would let pods come whose sandboxes fail for want of
    /run/flannel/subnet.env; the kubelet leaves such a pod alone for ten seconds and more.
    """
    command = (
        "until [ -s /run/flannel/subnet.env ]; do sleep 0.2; done; "
        "cp -f /etc/kube-flannel/cni-conf.json /etc/cni/net.d/10-flannel.conflist"
    )
    return {"postStart": {"exec": {"command": ["sh", "-c", command]}}}


def way_to_api(rack: Rack) -> list[dict[str, str]]:
    """Environment that lets flanneld ask at the endpoint, as kubelets do.

    By the API's service address it would wait for kube-proxy: where it begins first, it gives up after 30
    seconds, and pods that came meanwhile are retried ever later. A rack with zones has no one endpoint.
    """
    if rack.zones:
        return []
    return [
        {"name": "KUBERNETES_SERVICE_HOST", "value": str(rack.cluster.endpoint)},
        {"name": "KUBERNETES_SERVICE_PORT", "value": str(rack.cluster.endpoint_port)},
    ]


def daemon(rack: Rack) -> dict[str, Any]:
    """flanneld, which its pod counts as running when the CNI configuration is there."""
    return {
        "name": "kube-flannel",
        "image": rack.network.flannel_image,
        "command": ["/opt/bin/flanneld"],
        "args": ["--ip-masq", "--kube-subnet-mgr"],
        "resources": {"requests": {"cpu": "100m", "memory": "50Mi"}},
        "securityContext": {"privileged": False, "capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}},
        "env": [
            {"name": "POD_NAME", "valueFrom": _field("metadata.name")},
            {"name": "POD_NAMESPACE", "valueFrom": _field("metadata.namespace")},
            {"name": "EVENT_QUEUE_DEPTH", "value": "5000"},
            *way_to_api(rack),
        ],
        "lifecycle": placing(),
        "volumeMounts": [
            {"name": "run", "mountPath": "/run/flannel"},
            {"name": "cni", "mountPath": "/etc/cni/net.d"},
            {"name": "configuration", "mountPath": "/etc/kube-flannel/"},
            {"name": "xtables-lock", "mountPath": "/run/xtables.lock"},
        ],
    }


def pod(rack: Rack) -> dict[str, Any]:
    """The pod of one node: the init step that places the CNI plugin, then flanneld."""
    return {
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "serviceAccountName": "flannel",
        "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
        "initContainers": plugin_step(rack),
        "containers": [daemon(rack)],
        "volumes": [
            _host_path("run", "/run/flannel", "DirectoryOrCreate"),
            _host_path("cni", "/etc/cni/net.d", "DirectoryOrCreate"),
            _host_path("cni-plugin", "/opt/cni/bin", "DirectoryOrCreate"),
            _host_path("xtables-lock", "/run/xtables.lock", "FileOrCreate"),
            {"name": "configuration", "configMap": {"name": "kube-flannel-cfg"}},
        ],
    }


class Network(pulumi.ComponentResource):
    """flannel, which lets nodes become Ready."""

    def __init__(self, name: str, rack: Rack, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("helicon:index:Network", name, {}, opts)
        self._opts = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
            opts=self._opts,
        )
        self._within = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        access = self._access(name)
        settings = self._settings(name, rack)
        self._daemon(name, rack, [*access, settings])
        self.register_outputs({})

    def _access(self, name: str) -> list[pulumi.Resource]:
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account", metadata={"name": "flannel", "namespace": NAMESPACE}, opts=self._within
        )
        role = k8s.rbac.v1.ClusterRole(
            f"{name}-role", metadata={"name": "flannel"}, rules=RULES, opts=self._opts
        )
        binding = k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-binding",
            metadata={"name": "flannel"},
            role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "flannel"},
            subjects=[{"kind": "ServiceAccount", "name": "flannel", "namespace": NAMESPACE}],
            opts=self._opts,
        )
        return [account, role, binding]

    def _settings(self, name: str, rack: Rack) -> k8s.core.v1.ConfigMap:
        network: dict[str, Any] = {
            "Network": str(rack.cluster.pod_cidr),
            "EnableNFTables": rack.cluster.kube_proxy.mode == "nftables",
            "Backend": {"Type": rack.network.backend},
        }
        if rack.network.mtu:
            network["Backend"]["MTU"] = rack.network.mtu
        data = {"cni-conf.json": json.dumps(CNI, indent=2), "net-conf.json": json.dumps(network, indent=2)}
        metadata = {"name": "kube-flannel-cfg", "namespace": NAMESPACE, "labels": LABELS}
        return k8s.core.v1.ConfigMap(f"{name}-settings", metadata=metadata, data=data, opts=self._within)

    def _daemon(self, name: str, rack: Rack, needs: list[pulumi.Resource]) -> None:
        k8s.apps.v1.DaemonSet(
            f"{name}-daemon",
            # a board that is off must not make every `up` wait: Readiness waits for all pods
            metadata={
                "name": "kube-flannel-ds",
                "namespace": NAMESPACE,
                "labels": LABELS,
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "selector": {"matchLabels": LABELS},
                "template": {"metadata": {"labels": LABELS}, "spec": pod(rack)},
            },
            opts=pulumi.ResourceOptions.merge(self._within, pulumi.ResourceOptions(depends_on=needs)),
        )
