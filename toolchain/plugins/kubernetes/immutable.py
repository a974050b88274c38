"""Fields that Kubernetes does not let change: a change of one of them replaces the object."""

from __future__ import annotations

from typing import Any

from toolchain.plugins.kubernetes.objects import Object

Path = tuple[str | int, ...]
"""Keys and list indices that lead to a field."""
IDENTITY = ("metadata.name", "metadata.namespace")

_SELECTOR = ("spec.selector", "spec.selector.matchExpressions", "spec.selector.matchLabels")


def _below(prefix: str, fields: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{field}" for field in fields.split())


_POD = _below(
    "spec",
    """
    affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC
    hostNetwork hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority
    priorityClassName readinessGates restartPolicy runtimeClassName schedulerName securityContext
    serviceAccount serviceAccountName shareProcessNamespace subdomain terminationGracePeriodSeconds volumes
    """,
)
_CONTAINER_FIELDS = """
args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources
securityContext stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices
volumeMounts workingDir
"""
_CONTAINER = (
    *_below("spec.containers.*", _CONTAINER_FIELDS),
    *_below("spec.initContainers.*", _CONTAINER_FIELDS),
)
_VOLUME = _below(
    "spec",
    """
    awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk
    glusterfs hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos
    vsphereVolume
    """,
)
_FIELDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps/v1", "DaemonSet"): _SELECTOR,
    ("apps/v1", "Deployment"): _SELECTOR,
    ("apps/v1", "StatefulSet"): (
        *_below("spec", "podManagementPolicy revisionHistoryLimit serviceName volumeClaimTemplates"),
        *_SELECTOR,
    ),
    ("batch/v1", "Job"): ("spec.completions", "spec.parallelism", "spec.template", *_SELECTOR),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io/v1", "StorageClass"): ("parameters", "provisioner"),
    ("v1", "PersistentVolume"): _VOLUME,
    ("v1", "PersistentVolumeClaim"): (
        *_below("spec", "accessModes storageClassName volumeName"),
        *_SELECTOR,
    ),
    ("v1", "Pod"): (*_POD, *_CONTAINER),
    ("v1", "ResourceQuota"): ("spec.scopes",),
    ("v1", "Service"): ("spec.clusterIP",),
}


def fields(obj: Object, *, secrets_mutable: bool, config_maps_mutable: bool) -> tuple[str, ...]:
    """Return the paths (`*` stands for any list element) whose change replaces the object.

    Data of a ConfigMap or Secret replaces too, unless the provider calls them mutable: pods that mount the
    old data would not notice a change in place.
    """
    kind = (str(obj.get("apiVersion", "")), str(obj.get("kind", "")))
    fixed = obj.get("immutable") is True
    if kind == ("v1", "Secret"):
        return (*IDENTITY, "type", *(() if secrets_mutable and not fixed else ("stringData", "data")))
    if kind == ("v1", "ConfigMap"):
        return IDENTITY if config_maps_mutable and not fixed else (*IDENTITY, "binaryData", "data")
    return (*IDENTITY, *_FIELDS.get(kind, ()))


def forces(pattern: str, path: Path, value: Any) -> bool:
    """Whether setting `value` at `path` touches the field that the pattern names."""
    steps = pattern.split(".")
    shared = min(len(steps), len(path))
    if not all(_same(step, key) for step, key in zip(steps[:shared], path[:shared], strict=True)):
        return False
    return len(steps) <= len(path) or _holds(value, steps[len(path) :])


def _same(step: str, key: str | int) -> bool:
    return isinstance(key, int) if step == "*" else step == key


def _holds(value: Any, steps: list[str]) -> bool:
    """Whether a new value contains the rest of the path."""
    if not steps:
        return True
    if steps[0] == "*":
        return isinstance(value, list) and any(_holds(item, steps[1:]) for item in value)
    return isinstance(value, dict) and steps[0] in value and _holds(value[steps[0]], steps[1:])
