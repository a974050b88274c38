"""Versions of everything that is installed, each with the source of the constant."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Release:
    """What belongs to one Kubernetes minor."""

    suggested: str
    """A patch release to suggest."""
    pause: str
    etcd: str
    coredns: str


RELEASES = {
    "1.34": Release(suggested="1.34.10", pause="3.10.1", etcd="3.6.5-0", coredns="v1.12.1"),
    "1.35": Release(suggested="1.35.6", pause="3.10.1", etcd="3.6.6-0", coredns="v1.13.1"),
    "1.36": Release(suggested="1.36.3", pause="3.10.2", etcd="3.6.8-0", coredns="v1.14.2"),
    "1.37": Release(suggested="1.37.1", pause="3.10.2", etcd="3.7.0-0", coredns="v1.14.6"),
}
"""The four newest minors. PauseVersion, DefaultEtcdVersion and CoreDNSVersion as in
cmd/kubeadm/app/constants/constants.go of v1.34.10, v1.35.6, v1.36.3 and v1.37.1."""
OLDEST, NEWEST = min(RELEASES), max(RELEASES)
PATTERN = rf"^({'|'.join(re.escape(minor) for minor in RELEASES)})\.[0-9]+$"

FLANNEL = "ghcr.io/flannel-io/flannel:v0.28.4"
FLANNEL_CNI = "ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel1"
"""Both as in Documentation/kube-flannel.yml of flannel v0.28.4."""
METRICS_SERVER = "registry.k8s.io/metrics-server/metrics-server:v0.9.0"
"""Registry as in charts/metrics-server/values.yaml of metrics-server v0.9.0."""
PROBE = "docker.io/library/busybox:1.37"
"""The series in test/utils/image/manifest.go of Kubernetes v1.36.3; has sh, nslookup and nc."""

CONTAINERD_2_FROM = "1.37"
"""First minor whose kubelet needs the CRI of containerd 2 (CHANGELOG-1.37; 1.36 warns of it)."""
DISTRIBUTION_CONTAINERD = "1.7"
"""containerd of Debian 13 (trixie): packages.debian.org/trixie/containerd."""
LAST_ARMV7 = "1.26"
"""Last minor with kubelet, kubeadm and control-plane images for 32-bit ARM (CHANGELOG-1.27)."""


def minor(version: str) -> str:
    """The minor of a full version: 1.36 of 1.36.3."""
    return ".".join(version.split(".")[:2])


def number(version: str) -> tuple[int, ...]:
    """A version as numbers, for comparison."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version)[:3])


def needs_containerd_2(kubernetes: str) -> bool:
    """Whether this Kubernetes version refuses containerd 1.x."""
    return number(minor(kubernetes)) >= number(CONTAINERD_2_FROM)


def sandbox_image(kubernetes: str) -> str:
    """The pause image that kubeadm of this version expects."""
    return f"registry.k8s.io/pause:{RELEASES[minor(kubernetes)].pause}"


def control_plane_images(kubernetes: str) -> tuple[str, ...]:
    """The images that kubeadm of this version runs on a control plane, kube-proxy and pause included."""
    release = RELEASES[minor(kubernetes)]
    names = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    others = (f"coredns/coredns:{release.coredns}", f"pause:{release.pause}", f"etcd:{release.etcd}")
    tagged = tuple(f"{name}:v{kubernetes}" for name in names)
    return tuple(f"registry.k8s.io/{image}" for image in (*tagged, *others))


def objection(version: str) -> str | None:
    """What to write instead of an unsupported version; None when it is supported."""
    if re.fullmatch(PATTERN, version):
        return None
    bare = version.removeprefix("v")
    if re.fullmatch(PATTERN, bare):
        return f'Write "{bare}", without v.'
    if bare in RELEASES:
        return f'Write all three numbers, for example "{RELEASES[bare].suggested}".'
    nearest = OLDEST if (1,) < number(minor(bare)) < number(OLDEST) else NEWEST
    nearest = minor(bare) if minor(bare) in RELEASES else nearest
    return f'Supported are the four newest minors; choose for example "{RELEASES[nearest].suggested}".'
