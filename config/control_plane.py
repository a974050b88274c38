"""The other parts of a control plane: API server, controller manager, scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from config.base import Part
from config.scalars import Scalar, Seconds

PERIOD = 10
"""Seconds between two startup probes (StartupProbe in cmd/kubeadm/app/util/staticpod/utils.go)."""
_KUBEADM = "kubeadm sets it from the cluster's own settings."
OWNED: Mapping[str, Mapping[str, str]] = {
    "api_server": {
        "advertise-address": "It is the machine's address.",
        "secure-port": "The API server listens at 6443; cluster.endpoint_port is the endpoint's.",
        "service-cluster-ip-range": "Write cluster.service_cidr.",
        "etcd-servers": _KUBEADM,
        "etcd-cafile": _KUBEADM,
        "etcd-certfile": _KUBEADM,
        "etcd-keyfile": _KUBEADM,
        "client-ca-file": _KUBEADM,
        "tls-cert-file": _KUBEADM,
        "tls-private-key-file": _KUBEADM,
        "service-account-key-file": _KUBEADM,
        "service-account-signing-key-file": _KUBEADM,
    },
    "controller_manager": {
        "node-cidr-mask-size": "Write cluster.node_cidr_mask.",
        "cluster-cidr": "Write cluster.pod_cidr.",
        "service-cluster-ip-range": "Write cluster.service_cidr.",
        "cluster-name": "Write cluster.name.",
        "secure-port": "The kubelet's probes ask at 10257.",
        "kubeconfig": _KUBEADM,
    },
    "scheduler": {"secure-port": "The kubelet's probes ask at 10259.", "kubeconfig": _KUBEADM},
}
"""Arguments that are set in another way, by component, with what to write instead."""


class Probes(Part):
    """How patient the kubelet is with a static pod; what is not given is as kubeadm writes it."""

    timeout: Seconds | None = None
    """Seconds for one answer (kubeadm: 15)."""
    failures: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Failed probes, ten seconds apart, until it is started anew (kubeadm: 8)."""
    startup: Seconds | None = None
    """Seconds to come up (kubeadm: timeouts.controlPlaneComponentHealthCheck, 4 minutes)."""

    def container(self) -> dict[str, object]:
        """The probes as a container has them; kubeadm's other values stay."""
        timeout = {"timeoutSeconds": self.timeout} if self.timeout else {}
        liveness = {**timeout, **({"failureThreshold": self.failures} if self.failures else {})}
        startup = {**timeout, **({"failureThreshold": -(-self.startup // PERIOD)} if self.startup else {})}
        probes = {"livenessProbe": liveness, "startupProbe": startup}
        return {name: probe for name, probe in probes.items() if probe}


class Component(Part):
    """One static pod of the control planes."""

    extra_args: Mapping[str, Scalar | tuple[Scalar, ...]] = {}
    """Further arguments, without the leading dashes; a list repeats the argument."""
    probes: Probes = Probes()
    """How patient the kubelet is with it: longer for slow boards."""

    def arguments(self) -> dict[str, str | list[str]]:
        """The arguments; a list for one that is repeated."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.extra_args.items()
        }
