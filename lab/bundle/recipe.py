"""What a bundle holds: versions from go.mod, commands, images and packages. Pure but for reading go.mod."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lab.places import cache

SOURCES = Path(__file__).resolve().parent
"""The Go module of the bundle, and the small modules and commands within it."""
Architecture = Literal["amd64", "arm64"]
ARCHITECTURES: tuple[Architecture, ...] = ("amd64", "arm64")
SUITE = "trixie"
"""The Debian release of the boards, of the packages and of what the images are made from."""

KUBERNETES_IMAGES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
HOST_COMMANDS = ("kubeadm", "kubelet", "kubectl")
"""What nodes run outside of containers, in bin/."""
CNI_PLUGINS = ("bridge", "flannel", "host-local", "loopback", "portmap")
"""What nodes hold in /opt/cni/bin, in cni/."""
RENAMED = {"server": "etcd"}
"""Commands that go names after the last part of their import path: it is, they are called."""
OMITTED_BACKENDS = ("ipsec", "tencentvpc", "udp")
"""flannel's backends that need a daemon of their own, a module of one cloud, or cgo."""

BOARD_PACKAGES = (
    "systemd", "systemd-sysv", "systemd-timesyncd", "dbus", "libpam-systemd", "openssh-server", "sudo",
    "iproute2", "procps", "ca-certificates", "openssl", "kmod",
)  # fmt: skip
"""What every board has, beside Debian's essential and required packages; the bundle leaves it out."""
PACKAGES = (
    "containerd", "runc", "haproxy", "conntrack", "socat", "ebtables", "ethtool", "iptables", "nftables",
    "ipset", "kmod", "keepalived", "curl", "nfs-common",
)  # fmt: skip
"""What nodes and load balancers install; the bundle holds these and what they depend on."""
NETWORK_PACKAGES = ("iptables", "nftables", "conntrack", "ipset", "kmod", "busybox-static")
"""What kube-proxy and flannel call, in a layer that their images share."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image: its name as kubeadm or a manifest says it, and files as path in it: name of the command.

    Without an entrypoint the image runs a shell, unless told otherwise.
    """

    ref: str
    entrypoint: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    base: Literal["", "network", "busybox"] = ""
    user: str = ""

    @property
    def archive(self) -> str:
        """Where the bundle keeps it."""
        return f"images/{self.ref.rsplit('/', 1)[-1].split(':')[0]}.tar"


def pin(module: str) -> str:
    """The version of a Go module that go.mod pins, for example v1.36.3; a replacement goes first."""
    text = (SOURCES / "go.mod").read_text()
    name = re.escape(module)
    for pattern in (rf"^\t{name} => \S+ (v\S+)$", rf"^\t{name} (v\S+)"):
        if found := re.search(pattern, text, re.MULTILINE):
            return found[1]
    raise KeyError(module)


def kubernetes() -> str:
    """The version of Kubernetes, for example v1.36.3."""
    return pin("k8s.io/kubernetes")


def images() -> tuple[Image, ...]:
    """All images of a cluster, and one with a shell for the probe pods of its readiness."""
    return (*map(_component, KUBERNETES_IMAGES), *_others())


def _component(name: str) -> Image:
    path = f"/usr/local/bin/{name}"
    return Image(
        ref=f"registry.k8s.io/{name}:{kubernetes()}",
        entrypoint=path,
        files={path: name},
        base="network" if name == "kube-proxy" else "",
    )


def _others() -> Iterator[Image]:
    etcd = {f"/usr/local/bin/{name}": name for name in ("etcd", "etcdctl", "etcdutl")}
    tag = pin("go.etcd.io/etcd/server/v3").removeprefix("v") + "-0"  # kubeadm numbers builds of an etcd
    yield Image(ref=f"registry.k8s.io/etcd:{tag}", entrypoint="/usr/local/bin/etcd", files=etcd)
    yield Image(
        # Not as another user: kubeadm forbids new privileges, so only root keeps the right to port 53.
        ref=f"registry.k8s.io/coredns/coredns:{pin('github.com/coredns/coredns')}",
        entrypoint="/coredns",
        files={"/coredns": "coredns"},
    )
    # The number of kubeadm's constants; what we build under it is our own pause.
    yield Image(
        ref="registry.k8s.io/pause:3.10.2", entrypoint="/pause", files={"/pause": "pause"}, user="65535:65535"
    )
    yield Image(
        ref=f"ghcr.io/flannel-io/flannel:{pin('github.com/flannel-io/flannel')}",
        entrypoint="/opt/bin/flanneld",
        files={"/opt/bin/flanneld": "flanneld"},
        base="network",
    )
    yield Image(
        ref=f"registry.k8s.io/metrics-server/metrics-server:{pin('sigs.k8s.io/metrics-server')}",
        entrypoint="/metrics-server",
        files={"/metrics-server": "metrics-server"},
        user="65534:65534",
    )
    yield Image(ref="docker.io/library/busybox:1.37", base="busybox")


def link_flags() -> str:
    """What go's linker writes into the commands: no symbols, and the versions that they say of themselves."""
    _, minor, _ = kubernetes().split(".")
    said = {"gitVersion": kubernetes(), "gitMajor": "1", "gitMinor": minor, "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    flags = [f"-X {package}.{key}={value}" for package in packages for key, value in said.items()]
    flannel = f"-X github.com/flannel-io/flannel/pkg/version.Version={pin('github.com/flannel-io/flannel')}"
    return " ".join(["-s", "-w", *flags, flannel])


def sources_digest() -> str:
    """A digest of everything that the commands are built from."""
    digest = hashlib.sha256(repr((link_flags(), OMITTED_BACKENDS)).encode())
    for path in sorted(p for p in SOURCES.rglob("*") if p.suffix == ".go" or p.name in ("go.mod", "go.sum")):
        digest.update(f"\0{path.relative_to(SOURCES)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def version() -> str:
    """The version of the bundle: a short digest of its recipe, the same on every machine."""
    recipe = (SUITE, BOARD_PACKAGES, PACKAGES, NETWORK_PACKAGES, HOST_COMMANDS, CNI_PLUGINS, images())
    return hashlib.sha256(repr((sources_digest(), recipe)).encode()).hexdigest()[:12]


def directory(architecture: Architecture) -> Path:
    """Where the bundle of this recipe is built, unless told otherwise."""
    return cache() / "bundle" / f"{architecture}-{version()}"
