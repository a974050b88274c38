"""External etcd: machines of its own, instead of a member on each control plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from config.containerd import Containerd
from config.machines import MachineSettings, NodeArchitecture


class EtcdMemberSettings(MachineSettings):
    """A machine that is a member of the external etcd, and no node of the cluster."""

    architecture: NodeArchitecture = "arm64"
    """Debian's name of the architecture: arm64 or amd64."""
    swap: Literal["off", "keep"] = "off"
    """Swap: off, or keep what the machine has (the kubelet then needs failSwapOn: false)."""
    containerd: Containerd = Containerd()
    """containerd, in which etcd runs."""
    kubernetes_source: Literal["upstream", "distribution"] = "upstream"
    """Where its kubelet comes from: pkgs.k8s.io, or the distribution's own packages."""
    kubelet: Mapping[str, JsonValue] = {}
    """Fields merged into this machine's KubeletConfiguration, over those of the cluster."""
