"""The cluster as a whole: versions, endpoint, address ranges, and what kubeadm is told."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, WithJsonSchema

from config import versions
from config.balancing import Endpoint, Forward, ForwardName
from config.base import Part
from config.control_plane import Component
from config.etcd import Etcd
from config.problems import did_you_mean
from config.scalars import Address, Cidr, DomainName, Duration, LabelValue, Port, wrong
from config.vip import Vip

MODES = ("iptables", "nftables")


def _mode(value: str) -> str:
    if value == "ipvs":
        suggestion = (
            "Write nftables (kernel 5.13 or later) or iptables: ipvs is deprecated since 1.35, "
            "off by default in 1.40 and gone in 1.43."
        )
        raise wrong("iptables or nftables", suggestion)
    if value not in MODES:
        raise wrong("iptables or nftables", did_you_mean(value, MODES))
    return value


def _kubernetes(value: str) -> str:
    if (suggestion := versions.objection(value)) is not None:
        raise wrong(f"a full Kubernetes version from {versions.OLDEST} to {versions.NEWEST}", suggestion)
    return value


ProxyMode = Annotated[str, AfterValidator(_mode), WithJsonSchema({"enum": list(MODES)})]
KubernetesVersion = Annotated[
    str,
    AfterValidator(_kubernetes),
    WithJsonSchema({"type": "string", "pattern": versions.PATTERN, "examples": ["1.36.3"]}),
]
KubeadmTimeout = Literal[
    "controlPlaneComponentHealthCheck",
    "kubeletHealthCheck",
    "kubernetesAPICall",
    "etcdAPICall",
    "tlsBootstrap",
    "discovery",
    "upgradeManifests",
]
"""The fields of kubeadm's v1beta4 Timeouts (cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go)."""


class KubeProxy(Part):
    """How services reach their pods."""

    mode: ProxyMode = "iptables"
    """Proxy mode: iptables, or nftables (kernel 5.13 or later)."""
    overlay: Mapping[str, JsonValue] = {}
    """Fields merged into the KubeProxyConfiguration."""


class Cluster(Part):
    """The cluster as a whole."""

    name: LabelValue = ""
    """Name of the cluster in the kubeconfig; without it, the stack's name."""
    kubernetes: KubernetesVersion
    """Kubernetes version in full, for example 1.36.3."""
    endpoint: Endpoint
    """Name or address at which the API is reached, by users and by all machines."""
    endpoint_address: Address | None = None
    """What the endpoint's name means in /etc/hosts of all machines; without it, the vip or first load balancer."""
    endpoint_port: Port = 6443
    """Port of the API at the endpoint."""
    vip: Vip | None = None
    """A virtual address that load balancers or control planes share."""
    forward: Mapping[ForwardName, Forward] = {}
    """What the cluster's own load balancers forward to its nodes, by name, for example http and https."""
    pod_cidr: Cidr = "10.244.0.0/16"
    """Network that the pods' addresses come from."""
    service_cidr: Cidr = "10.96.0.0/12"
    """Network that the services' addresses come from."""
    node_cidr_mask: Annotated[int, Field(ge=1, le=30)] = 24
    """Prefix length of the part of the pod network that each node gets."""
    dns_domain: DomainName = "cluster.local"
    """Domain of the services' names inside the cluster."""
    schedulable_control_planes: bool = False
    """Whether pods of all kinds may run on control planes (they then get no taint)."""
    kube_proxy: KubeProxy = KubeProxy()
    """kube-proxy."""
    kubelet: Mapping[str, JsonValue] = {}
    """Fields merged into the KubeletConfiguration of every node, for example systemReserved."""
    etcd: Etcd = Etcd()
    """etcd."""
    api_server: Component = Component()
    """The API server."""
    controller_manager: Component = Component()
    """The controller manager."""
    scheduler: Component = Component()
    """The scheduler."""
    timeouts: Mapping[KubeadmTimeout, Duration] = {}
    """kubeadm's timeouts, longer for slow boards."""
    ignore_preflight_errors: tuple[str, ...] = ()
    """Names of kubeadm's preflight checks that may fail."""

    @property
    def minor(self) -> str:
        """The Kubernetes minor, for example 1.36."""
        return versions.minor(self.kubernetes)

    @property
    def service_address(self) -> str:
        """Address of the `kubernetes` service: the first of the service network."""
        return str(IPv4Network(self.service_cidr)[1])

    @property
    def dns_address(self) -> str:
        """Address of the DNS service: the tenth of the service network (kubeadm's GetDNSIP)."""
        return str(IPv4Network(self.service_cidr)[10])
