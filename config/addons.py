"""What runs on the cluster and around it: network, authority, addons, readiness, artifacts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config import versions
from config.base import Part
from config.scalars import Duration, Image, Location

Hours = Annotated[int, Field(ge=1, le=876000)]


class Network(Part):
    """The pod network (CNI)."""

    cni: Literal["flannel"] = "flannel"
    """Which CNI; flannel needs least memory, which suits small boards."""
    backend: Literal["vxlan", "host-gw"] = "vxlan"
    """flannel's backend: vxlan everywhere, host-gw where all nodes share one Ethernet segment."""
    mtu: Annotated[int, Field(ge=576, le=65535)] | None = None
    """MTU of the pods' interfaces; without it, flannel's own choice."""
    flannel_image: Image = versions.FLANNEL
    """Image of the flannel daemon."""
    flannel_cni_image: Image = versions.FLANNEL_CNI
    """Image that brings flannel's CNI plugin."""


class Subject(Part):
    """Who the certificates say they belong to, besides the names that Kubernetes prescribes."""

    organization: str | None = None
    """Organization (O) of the CAs."""
    organizational_unit: str | None = None
    """Organizational unit (OU)."""
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    """Country (C), two letters."""
    province: str | None = None
    """State or province (ST)."""
    locality: str | None = None
    """Town (L)."""


class Authority(Part):
    """Keys and certificates of the cluster."""

    algorithm: Literal["ECDSA", "RSA"] = "ECDSA"
    """Kind of all keys; ECDSA is much faster on small boards."""
    ecdsa_curve: Literal["P256", "P384", "P521"] = "P256"
    """Curve of ECDSA keys."""
    rsa_bits: Literal[2048, 3072, 4096] = 2048
    """Size of RSA keys in bits."""
    subject: Subject = Subject()
    """Subject of the CAs."""
    ca_validity_hours: Hours = 10 * 8760
    """Hours that the CAs are valid (default: ten years)."""
    validity_hours: Hours = 8760
    """Hours that certificates are valid (default: one year)."""
    early_renewal_hours: Annotated[int, Field(ge=0, le=876000)] = 720
    """Hours before the end at which a certificate is renewed (default: 30 days)."""
    extra_sans: tuple[Location, ...] = ()
    """Further names and addresses in the API server's certificate."""


class MetricsServer(Part):
    """metrics-server, for `kubectl top` and autoscaling."""

    enabled: bool = True
    """Whether it is installed."""
    resolution: Duration = "60s"
    """How often it asks the kubelets; 15s costs small boards noticeable CPU."""
    kubelet_insecure_tls: bool = True
    """Whether the kubelets' self-signed serving certificates are accepted."""
    kubelet_preferred_address_types: tuple[
        Literal["InternalIP", "ExternalIP", "Hostname", "InternalDNS", "ExternalDNS"], ...
    ] = ("InternalIP",)
    """Which of a node's addresses it asks at, in this order."""
    image: Image = versions.METRICS_SERVER
    """Image of metrics-server."""


class Addons(Part):
    """What is installed on top of the cluster."""

    metrics_server: MetricsServer = MetricsServer()
    """metrics-server."""


class Readiness(Part):
    """When the cluster counts as ready: all nodes and pods ready, services and DNS answering on each node."""

    probe_image: Image = versions.PROBE
    """Image of the probe that asks a service and DNS on each node."""
    timeout: Annotated[int, Field(ge=10, le=7200)] = 600
    """Seconds until a cluster that is not ready is an error."""


class Artifacts(Part):
    """A bundle of binaries, images and sums, for racks without internet."""

    source: Annotated[str, Field(min_length=1)]
    """Directory of the bundle, relative to the program's directory."""
