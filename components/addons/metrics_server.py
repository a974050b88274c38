"""metrics-server: what `kubectl top` and autoscalers ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from config.addons import MetricsServer as Settings

NAME = "metrics-server"
NAMESPACE = "kube-system"
LABELS = {"k8s-app": NAME}
RBAC = "rbac.authorization.k8s.io"
PORT = 10250
READER = [
    {"apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]}
]
SERVER = [
    {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]},
]
AGGREGATE = {f"{RBAC}/aggregate-to-{role}": "true" for role in ("admin", "edit", "view")}


def arguments(settings: Settings) -> list[str]:
    """The server's command line."""
    insecure = ["--kubelet-insecure-tls"] if settings.kubelet_insecure_tls else []
    return [
        "--cert-dir=/tmp",
        f"--secure-port={PORT}",
        f"--kubelet-preferred-address-types={','.join(settings.kubelet_preferred_address_types)}",
        "--kubelet-use-node-status-port",
        f"--metric-resolution={settings.resolution}",
        *insecure,
    ]


def pod(settings: Settings) -> dict[str, Any]:
    """The server's pod."""
    probe = {"port": "https", "scheme": "HTTPS"}
    container = {
        "name": NAME,
        "image": settings.image,
        "imagePullPolicy": "IfNotPresent",
        "args": arguments(settings),
        "ports": [{"name": "https", "containerPort": PORT, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "100Mi"}},
        "livenessProbe": {"httpGet": {"path": "/livez", **probe}, "periodSeconds": 10, "failureThreshold": 3},
        "readinessProbe": {
            "httpGet": {"path": "/readyz", **probe},
            "periodSeconds": 5,
            "failureThreshold": 3,
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    return {
        "serviceAccountName": NAME,
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


class MetricsServer(pulumi.ComponentResource):
    """metrics-server with its permissions and its place in the API."""

    def __init__(self, name: str, settings: Settings, opts: pulumi.ResourceOptions) -> None:
        super().__init__("helicon:index:MetricsServer", name, {}, opts)
        self._name = name
        self._opts = pulumi.ResourceOptions(parent=self)
        needs = self._permissions()
        service = k8s.core.v1.Service(
            f"{name}-service",
            # its endpoints come with the deployment's pods
            metadata=self._metadata(annotations={"pulumi.com/skipAwait": "true"}),
            spec={"selector": LABELS, "ports": [{"name": "https", "port": 443, "targetPort": "https"}]},
            opts=self._opts,
        )
        server = self._deployment(settings, needs)
        self._register(service, server)
        self.register_outputs({})

    def _metadata(self, name: str = NAME, **more: Any) -> dict[str, Any]:
        return {"name": name, "namespace": NAMESPACE, "labels": LABELS, **more}

    def _permissions(self) -> list[pulumi.Resource]:
        account = k8s.core.v1.ServiceAccount(
            f"{self._name}-account", metadata=self._metadata(), opts=self._opts
        )
        reader, server = f"system:aggregated-{NAME}-reader", f"system:{NAME}"
        roles = [
            self._role("reader", reader, READER, {**LABELS, **AGGREGATE}),
            self._role("server", server, SERVER, LABELS),
        ]
        bindings = [
            self._binding("server", server, server),
            self._binding("delegator", f"{NAME}:system:auth-delegator", "system:auth-delegator"),
        ]
        authentication = k8s.rbac.v1.RoleBinding(
            f"{self._name}-authentication",
            metadata=self._metadata(f"{NAME}-auth-reader"),
            role_ref={"apiGroup": RBAC, "kind": "Role", "name": "extension-apiserver-authentication-reader"},
            subjects=self._subjects(),
            opts=self._opts,
        )
        return [account, *roles, *bindings, authentication]

    def _subjects(self) -> list[dict[str, str]]:
        return [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}]

    def _role(
        self, name: str, role: str, rules: list[dict[str, Any]], labels: Mapping[str, str]
    ) -> k8s.rbac.v1.ClusterRole:
        metadata = {"name": role, "labels": dict(labels)}
        return k8s.rbac.v1.ClusterRole(
            f"{self._name}-{name}", metadata=metadata, rules=rules, opts=self._opts
        )

    def _binding(self, name: str, binding: str, role: str) -> k8s.rbac.v1.ClusterRoleBinding:
        return k8s.rbac.v1.ClusterRoleBinding(
            f"{self._name}-{name}",
            metadata={"name": binding, "labels": LABELS},
            role_ref={"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            subjects=self._subjects(),
            opts=self._opts,
        )

    def _deployment(self, settings: Settings, needs: list[pulumi.Resource]) -> k8s.apps.v1.Deployment:
        return k8s.apps.v1.Deployment(
            f"{self._name}-server",
            # a board that is off must not make every `up` wait: Readiness waits for all pods
            metadata=self._metadata(annotations={"pulumi.com/skipAwait": "true"}),
            spec={
                "selector": {"matchLabels": LABELS},
                "template": {"metadata": {"labels": LABELS}, "spec": pod(settings)},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=needs),
        )

    def _register(self, service: pulumi.Resource, server: pulumi.Resource) -> None:
        k8s.apiregistration.v1.APIService(
            f"{self._name}-api",
            metadata={
                "name": "v1beta1.metrics.k8s.io",
                "labels": LABELS,
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "service": {"name": NAME, "namespace": NAMESPACE},
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[service, server]),
        )
