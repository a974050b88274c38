"""One machine: what every machine has, and what load balancers and nodes have besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, WithJsonSchema

from config.balancing import Haproxy, ZoneReference
from config.base import Part
from config.boot import Boot
from config.connection import Connection
from config.containerd import Containerd
from config.docker import Docker
from config.network import INTERFACES_OF_PODS, InterfacePattern, MachineNetwork
from config.problems import closest
from config.scalars import (
    AbsolutePath,
    Address,
    Cidr,
    DomainName,
    FileMode,
    Given,
    HostName,
    LabelKey,
    LabelValue,
    Location,
    ModuleName,
    PackageSpec,
    Scalar,
    SysctlKey,
    UnitName,
    UserName,
    wrong,
)
from config.software import Software
from config.storage import Storage
from config.system import SystemSettings

ARCHITECTURES = ("arm64", "amd64", "armhf", "armv6")
ARCHITECTURES_OF_NODES = ("arm64", "amd64")
_ALIASES = {"aarch64": "arm64", "x86_64": "amd64", "armv7": "armhf", "armv7l": "armhf", "armv6l": "armv6"}
ROLES = ("control-plane", "infra", "worker")
_OLD_ROLES = {"master": "control-plane", "etcd": "control-plane", "node": "worker"}


def _architecture(value: str) -> str:
    if value in ARCHITECTURES:
        return value
    match = _ALIASES.get(value.lower()) or closest(value, ARCHITECTURES)
    ask = "Ask the machine: dpkg --print-architecture."
    raise wrong(_one_of(ARCHITECTURES), f'Did you mean "{match}"?' if match else ask)


def _role(value: str) -> str:
    if value in ROLES:
        return value
    match = _OLD_ROLES.get(value) or closest(value, ROLES)
    raise wrong(
        f"a role: {_one_of(ROLES)}", f'Did you mean "{match}"?' if match else "Choose one of the three."
    )


def _one_of(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


Architecture = Annotated[str, AfterValidator(_architecture), WithJsonSchema({"enum": list(ARCHITECTURES)})]
NodeArchitecture = Annotated[
    str, AfterValidator(_architecture), WithJsonSchema({"enum": list(ARCHITECTURES_OF_NODES)})
]
"""Others are refused by a rule of its own, with the reason."""
Role = Annotated[str, AfterValidator(_role), WithJsonSchema({"enum": list(ROLES)})]


class Clock(Part):
    """Time, by systemd-timesyncd."""

    ntp: tuple[Location, ...] = ()
    """NTP servers; none: whatever the machine uses already."""
    wait: bool = True
    """Whether to wait until the clock is in step before anything that depends on it."""


class File(Part):
    """A file on a machine."""

    content: str
    """The whole text."""
    mode: FileMode = "0644"
    """Octal mode, in quotes."""
    owner: UserName = "root"
    """Owner."""
    group: UserName = "root"
    """Group."""


class Unit(Part):
    """A systemd unit."""

    enabled: bool = True
    """Whether it starts with the machine."""
    active: bool = True
    """Whether it runs now."""
    content: str | None = None
    """The unit file's text, where the machine does not have it already."""


class Command(Part):
    """A one-shot step of the user's own; its effects are not watched."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    """Name of the step, unique on the machine."""
    create: Annotated[str, Field(min_length=1)]
    """Command that does it."""
    update: str | None = None
    """Command that runs when something here changed; without it, `create`."""
    delete: str | None = None
    """Command that undoes it."""
    stdin: Given | None = None
    """Text given to the command."""
    environment: Mapping[str, Given] = {}
    """Environment variables of the command."""
    triggers: tuple[Scalar, ...] = ()
    """Values whose change runs the step again."""
    secret: bool = False
    """Whether input, environment and output are secret."""


class Settings(SystemSettings):
    """What every machine has; also the defaults of a rack."""

    subnet: Cidr | None = None
    """Network that the machine's address must lie in."""
    architecture: Architecture = "arm64"
    """Debian's name of the architecture; armhf (ARMv7) and armv6 only for load balancers."""
    domain: DomainName = ""
    """DNS domain of the machine; host names stay short."""
    connection: Connection = Connection()
    """How the machine is reached."""
    hosts: Literal["needed", "rack"] = "needed"
    """Whom /etc/hosts names: the machine, its load balancers and the endpoint, or every machine of the rack."""
    clock: Clock = Clock()
    """Time."""
    sysctl: Mapping[SysctlKey, Scalar] = {}
    """Kernel parameters."""
    modules: tuple[ModuleName, ...] = ()
    """Kernel modules; a list given here replaces the default."""
    boot: Boot = Boot()
    """How the machine starts."""
    network: MachineNetwork | None = None
    """The machine's own network; without it, it stays as it is."""
    swap: Literal["off", "keep"] = "keep"
    """Swap: off, or keep what the machine has (kubelets need "off" or failSwapOn: false)."""
    storage: Storage = Storage()
    """Mounts, and directories that live elsewhere than on the card."""
    packages: tuple[PackageSpec, ...] = ()
    """Further packages, `name` or `name=version` (with * at the end for any patch)."""
    software: Software = Software()
    """Further repositories, and upgrades that are asked for."""
    files: Mapping[AbsolutePath, File] = {}
    """Further files."""
    units: Mapping[UnitName, Unit] = {}
    """Further systemd units."""
    commands: tuple[Command, ...] = ()
    """One-shot steps of the user's own."""


class Defaults(Settings):
    """Defaults for every machine; mappings merge, lists replace."""

    containerd: Containerd = Containerd()
    """containerd on the nodes."""
    runtime: Literal["containerd", "docker"] = "containerd"
    """The container runtime of the nodes."""
    docker: Docker = Docker()
    """Docker on the nodes whose runtime it is."""
    kubernetes_source: Literal["upstream", "distribution"] = "upstream"
    """pkgs.k8s.io, or the distribution's own packages (Photon OS: kubernetes, kubernetes-kubeadm)."""


class MachineSettings(Settings):
    """One machine."""

    address: Address
    """IPv4 address of the machine in the rack."""
    hostname: HostName = ""
    """Host name; without it, the machine's name."""


class FurtherSettings(MachineSettings):
    """A machine of the rack that is no part of the cluster: a store, a gateway."""


class LoadBalancerSettings(MachineSettings):
    """A machine in front of the API servers."""

    haproxy: Haproxy = Haproxy()
    """HAProxy."""
    zone: ZoneReference = ""
    """The zone whose machines it serves; without one, the cluster's own."""


class Taint(Part):
    """A taint: pods that do not tolerate it stay away."""

    key: LabelKey
    """Key."""
    value: LabelValue = ""
    """Value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
    """What happens to pods that do not tolerate it."""


class NodeSettings(MachineSettings):
    """A machine of the Kubernetes cluster."""

    architecture: NodeArchitecture = "arm64"
    """Debian's name of the architecture: arm64 or amd64."""
    swap: Literal["off", "keep"] = "off"
    """Swap: off, or keep what the machine has (the kubelet then needs failSwapOn: false)."""
    unmanaged_interfaces: tuple[InterfacePattern, ...] = INTERFACES_OF_PODS
    """Interfaces that NetworkManager, on a node that has it, leaves alone."""
    zone: ZoneReference = ""
    """The zone whose endpoint the node uses; without one, the cluster's own."""
    haproxy: Haproxy = Haproxy()
    """HAProxy, on a control plane that shares a virtual address with the others."""
    roles: Annotated[tuple[Role, ...], Field(min_length=1)] = ("worker",)
    """What the node is for; infra and worker become node-role labels."""
    labels: Mapping[LabelKey, LabelValue] = {}
    """Labels of the node."""
    taints: tuple[Taint, ...] = ()
    """Taints of the node."""
    containerd: Containerd = Containerd()
    """containerd."""
    runtime: Literal["containerd", "docker"] = "containerd"
    """The container runtime; a member of the cluster keeps the one it has."""
    docker: Docker = Docker()
    """Docker, where it is the runtime."""
    kubernetes_source: Literal["upstream", "distribution"] = "upstream"
    """pkgs.k8s.io, or the distribution's own packages (Photon OS: kubernetes, kubernetes-kubeadm)."""
    kubelet: Mapping[str, JsonValue] = {}
    """Fields merged into this node's KubeletConfiguration, over those of the cluster."""
