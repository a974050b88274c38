"""What runs on the cluster and around it: network, addons, readiness, artifacts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config import versions
from config.base import Part
from config.scalars import Duration, Image


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
