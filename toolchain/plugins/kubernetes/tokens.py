"""Resource tokens (`kubernetes:apps/v1:Deployment`) and what is known of a kind without asking a server."""

from __future__ import annotations

from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ELSEWHERE = ("yaml", "helm.sh", "kustomize")

_CORE_GROUPS = _words(
    """
    v1 core/v1 admissionregistration.k8s.io/v1 admissionregistration.k8s.io/v1beta1 apiextensions.k8s.io/v1
    apiregistration.k8s.io/v1 apps/v1 autoscaling/v1 autoscaling/v2 batch/v1 certificates.k8s.io/v1
    certificates.k8s.io/v1beta1 coordination.k8s.io/v1 discovery.k8s.io/v1 events.k8s.io/v1
    flowcontrol.apiserver.k8s.io/v1 meta/v1 networking.k8s.io/v1 networking.k8s.io/v1beta1 node.k8s.io/v1
    policy/v1 rbac.authorization.k8s.io/v1 resource.k8s.io/v1 scheduling.k8s.io/v1 storage.k8s.io/v1
    storage.k8s.io/v1beta1
    """
)
_NAMESPACED = _words(
    """
    Binding ConfigMap ControllerRevision CronJob CSIStorageCapacity DaemonSet Deployment Endpoints
    EndpointSlice Event HorizontalPodAutoscaler Ingress Job Lease LimitRange NetworkPolicy
    PersistentVolumeClaim Pod PodDisruptionBudget PodTemplate ReplicaSet ReplicationController ResourceQuota
    Role RoleBinding Secret Service ServiceAccount StatefulSet
    """
)
_CLUSTER_WIDE = _words(
    """
    APIService CertificateSigningRequest ClusterRole ClusterRoleBinding CSIDriver CSINode
    CustomResourceDefinition FlowSchema IngressClass MutatingWebhookConfiguration Namespace Node
    PersistentVolume PriorityClass PriorityLevelConfiguration RuntimeClass StorageClass
    ValidatingWebhookConfiguration VolumeAttachment
    """
)


@dataclass(frozen=True, kw_only=True)
class Token:
    """A parsed resource token; `kind` still ends in `Patch` for patch resources."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        """The object's `apiVersion`: `v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def built_in(self) -> bool:
        """Whether the kind belongs to Kubernetes itself."""
        return built_in(self.api_version)

    def patches(self, kind: str) -> bool:
        """Whether the token is the patch resource of the given kind (and no custom kind that ends in
        Patch)."""
        return self.kind == f"{kind}Patch"


def parse(text: str) -> Token:
    """Return the parts of a covered token."""
    module, _, kind = text.partition(":")[2].rpartition(":")
    group, _, version = module.rpartition("/")
    return Token(group="" if group == "core" else group, version=version, kind=kind)


def covered(text: str) -> bool:
    """Whether a token stands for one Kubernetes object (and not for a chart, a manifest or a
    kustomization)."""
    module, _, kind = text.partition(":")[2].rpartition(":")
    group, _, version = module.rpartition("/")
    return bool(group and version and kind) and group.split("/")[0] not in _ELSEWHERE


def is_list(group_version: str, kind: str) -> bool:
    """Whether the kind is a list of a built-in kind (`ConfigMapList`)."""
    element = kind.removesuffix("List")
    return element != kind and built_in(group_version) and namespaced(group_version, element) is not None


def built_in(api_version: str) -> bool:
    """Whether the group and version belong to Kubernetes itself, not to a custom resource."""
    return api_version in _CORE_GROUPS


def namespaced(api_version: str, kind: str) -> bool | None:
    """Whether objects of a built-in kind live in a namespace; None for kinds that only the server knows."""
    if not built_in(api_version):
        return None
    base = kind.removesuffix("Patch")
    if base in _NAMESPACED:
        return True
    return False if base in _CLUSTER_WIDE else None
