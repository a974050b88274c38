"""Where software comes from: the internet's repositories, or a bundle of artifacts."""

from __future__ import annotations

from typing import Any, Protocol

from config import EtcdMember, Machine, Node, Rack
from providers.software.bundle import Bundle
from providers.software.debs import DEBS

Properties = dict[str, Any]
Runner = Node | EtcdMember
"""A machine with a container runtime and a kubelet."""
TOOLS = ("conntrack", "ethtool", "iptables", "socat")
"""What kubeadm's preflight and the kubelet call."""
KUBERNETES = ("kubeadm", "kubectl", "kubelet")
PHOTON = ("kubernetes", "kubernetes-kubeadm")
"""The same in Photon OS's own packages."""
PLUGINS = "cni/"
KEEPS_OUT = ("NoSchedule", "NoExecute")
"""Effects of a taint that no pod overcomes without a toleration."""


def runtime_packages(node: Runner) -> Properties:
    """The container runtime and the tools, from the distribution or Docker's repository."""
    if isinstance(node, Node) and node.runtime == "docker":
        docker = ("docker-ce", "docker-ce-cli") if node.docker.source == "docker" else ("docker.io",)
        held = {name: {"version": "", "hold": True} for name in (*docker, "cri-dockerd")}
        return {name: {"version": "", "hold": False} for name in TOOLS} | held
    runtime = ("containerd.io",) if node.containerd.source == "docker" else ("containerd", "runc")
    version = f"{node.containerd.version}*" if node.containerd.version else ""
    packages = {name: {"version": "", "hold": False} for name in (*TOOLS, *runtime)}
    packages[runtime[0]] = {"version": version, "hold": True}
    return packages


def docker_repository(node: Runner) -> Properties:
    """Docker's repository, where the node's runtime comes from there."""
    on_docker = isinstance(node, Node) and node.runtime == "docker"
    if (node.docker if isinstance(node, Node) and on_docker else node.containerd).source != "docker":
        return {}
    base = "https://download.docker.com/linux/debian"
    docker = {"uri": base, "suite": node.containerd.suite, "components": "stable"}
    return {"helicon-docker": {**docker, "key": f"{base}/gpg", "trusted": False}}


class Source(Protocol):
    """What a machine's resources need to know of where its software comes from."""

    kubelet_unit: str

    def debs(self) -> Properties:
        """The `debs` property of a machine that installs something, if any."""
        ...

    def repositories(self, machine: Machine) -> Properties:
        """Repositories of a machine that installs something."""
        ...

    def artifacts(self, node: Runner) -> Properties:
        """The `artifacts` property of a node's software, if any."""
        ...

    def node_packages(self, node: Runner) -> Properties:
        """apt packages of a node."""
        ...

    def images(self, node: Runner) -> Properties:
        """The `images` property, if images are imported rather than pulled."""
        ...


class Internet:
    """pkgs.k8s.io for Kubernetes, the distribution or Docker for containerd; images are pulled."""

    kubelet_unit = "packaged"

    def __init__(self, rack: Rack) -> None:
        self._version = rack.cluster.kubernetes

    def debs(self) -> Properties:
        """None: repositories have all."""
        return {}

    def repositories(self, machine: Machine) -> Properties:
        """One for each Kubernetes minor, with its own key, in both forms: the machine takes its own.

        Machines without a kubelet need none, the distribution has what they install.
        """
        if not isinstance(machine, Node | EtcdMember):
            return {}
        if machine.kubernetes_source == "distribution":
            return docker_repository(machine)
        minor = ".".join(self._version.split(".")[:2])
        base = f"https://pkgs.k8s.io/core:/stable:/v{minor}/deb/"
        rpm = f"https://pkgs.k8s.io/core:/stable:/v{minor}/rpm/"
        kubernetes = {
            "uri": base,
            "suite": "/",
            "components": "",
            "key": f"{base}Release.key",
            "trusted": False,
            "rpm_uri": rpm,
            "rpm_key": f"{rpm}repodata/repomd.xml.key",
        }
        return {"helicon-kubernetes": kubernetes, **docker_repository(machine)}

    def artifacts(self, node: Runner) -> Properties:
        """None: packages bring all."""
        return {}

    def node_packages(self, node: Runner) -> Properties:
        """kubeadm, kubectl and kubelet of the configured version, held; cri-tools come along."""
        distribution = node.kubernetes_source == "distribution"
        names = PHOTON if distribution else KUBERNETES
        held = {name: {"version": f"{self._version}-*", "hold": True} for name in names}
        if distribution:
            return {**runtime_packages(node), **held}
        return {**runtime_packages(node), **held, "kubernetes-cni": {"version": "", "hold": True}}

    def images(self, node: Runner) -> Properties:
        """None: kubeadm and the kubelet pull them."""
        return {}


class Artifacts:
    """A bundle: binaries, CNI plugins, image archives and a small apt repository."""

    kubelet_unit = "managed"

    def __init__(self, rack: Rack, architecture: str) -> None:
        source = rack.artifacts.source if rack.artifacts else ""
        self._bundle = Bundle.read(source, architecture, rack.cluster.kubernetes)
        self._source = self._bundle.root
        self._debs = self._bundle.debs_sum()

    def debs(self) -> Properties:
        """The bundle's packages, where it has any."""
        return {"debs": {"source": self._source, "sum": self._debs}} if self._debs else {}

    def repositories(self, machine: Machine) -> Properties:
        """The bundle's packages, as `debs` brings them."""
        if not self._debs:
            return {}
        uri = f"file:{DEBS}"
        return {"helicon-bundle": {"uri": uri, "suite": "./", "components": "", "key": "", "trusted": True}}

    def artifacts(self, node: Runner) -> Properties:
        """kubeadm, kubectl, kubelet and the CNI plugins."""
        places = {f"bin/{name}": f"/usr/bin/{name}" for name in KUBERNETES}
        names = [name for name in self._bundle.sums if name.startswith(PLUGINS)]
        places.update({name: f"/opt/cni/bin/{name.removeprefix(PLUGINS)}" for name in names})
        files = {
            target: {"artifact": name, "sha256": self._bundle.sum(name), "mode": "0755"}
            for name, target in places.items()
        }
        return {"artifacts": {"source": self._source, "files": files}}

    def node_packages(self, node: Runner) -> Properties:
        """The container runtime and the tools."""
        return runtime_packages(node)

    def images(self, node: Runner) -> Properties:
        """The archives that the node's role needs: importing is the longest step of its preparation."""
        wanted = [ref for ref in self._bundle.images if needs_image(node, ref)]
        archives = {ref: self._bundle.images[ref] for ref in wanted}
        refs = {ref: {"archive": one, "sha256": self._bundle.sum(one)} for ref, one in archives.items()}
        return {"images": {"source": self._source, "refs": refs}}


def needs_image(node: Runner, ref: str) -> bool:
    """Whether the machine runs the image: a worker nothing of a control plane, a member of etcd only etcd.

    metrics-server tolerates no taint.
    """
    name = ref.rsplit("/", 1)[-1].partition(":")[0]
    if isinstance(node, EtcdMember):
        return name in {"etcd", "pause"}
    if name == "metrics-server" and any(taint.effect in KEEPS_OUT for taint in node.taints):
        return False
    own = {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"}
    return node.is_control_plane or name not in own


def source_of(rack: Rack, architecture: str) -> Source:
    """The source that the stack configures, for machines of one architecture."""
    return Artifacts(rack, architecture) if rack.artifacts else Internet(rack)
