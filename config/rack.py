"""The rack as the program reads it: frozen, with defaults merged into every machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from config.addons import Addons, Artifacts, Authority, Network, Readiness
from config.base import Part
from config.cluster import Cluster
from config.machines import FurtherSettings, LoadBalancerSettings, MachineSettings, NodeSettings, Taint
from config.preflight import Preflight
from config.scalars import is_address

CONTROL_PLANE_TAINT = Taint(key="node-role.kubernetes.io/control-plane", effect="NoSchedule")
"""What kubeadm init puts on control planes (kubernetes-sigs: ControlPlaneTaint in kubeadm's constants.go)."""
SHARED_WITH_BASTION = (
    "user",
    "identity_file",
    "agent",
    "known_hosts",
    "connect_timeout",
    "deadline",
    "keepalive",
)
"""Settings of a connection that also hold for the way through its bastion."""


class Machine(MachineSettings):
    """One machine of the rack."""

    name: str
    """The machine's name in the configuration."""

    @property
    def fqdn(self) -> str:
        """Host name and domain."""
        return f"{self.hostname}.{self.domain}" if self.domain else self.hostname

    def connection_json(self) -> dict[str, Any]:
        """How the machine is reached, as plain data; a bastion has the machine's settings but for its own."""
        plain = self.connection.model_dump(mode="json", exclude_none=True)
        if "bastion" in plain:
            own = {name: plain[name] for name in SHARED_WITH_BASTION}
            given = {name: value for name, value in plain["bastion"].items() if value != ""}
            plain["bastion"] = {**own, **given}
        return plain

    @property
    def package_versions(self) -> dict[str, str]:
        """Further packages by name, with the wanted version ("" for any)."""
        split = (package.partition("=") for package in self.packages)
        return {name: version for name, _, version in split}


class LoadBalancer(LoadBalancerSettings, Machine):
    """A machine in front of the API servers."""


class Node(NodeSettings, Machine):
    """A machine of the Kubernetes cluster; labels and taints of its roles included."""

    CONTROL_PLANE: ClassVar[str] = "control-plane"

    @property
    def is_control_plane(self) -> bool:
        """Whether an API server and an etcd member run here."""
        return self.CONTROL_PLANE in self.roles


class Further(FurtherSettings, Machine):
    """A machine that is no part of the cluster."""


class Rack(Part):
    """Everything that one stack describes."""

    stack: str
    """Name of the stack."""
    cluster: Cluster
    """The cluster as a whole."""
    network: Network
    """The pod network."""
    authority: Authority
    """Keys and certificates."""
    addons: Addons
    """What is installed on top."""
    readiness: Readiness
    """When the cluster counts as ready."""
    artifacts: Artifacts | None
    """The bundle to install from; None: repositories and registries on the internet."""
    preflight: Preflight
    """What is looked at before anything is changed."""
    load_balancers: Mapping[str, LoadBalancer]
    """Load balancers by name, in the order of the file."""
    nodes: Mapping[str, Node]
    """Nodes by name, in the order of the file."""
    further: Mapping[str, Further]
    """Machines that are no part of the cluster, by name."""

    def machines(self) -> tuple[Machine, ...]:
        """All machines: load balancers, nodes, further ones, each in the order of the file."""
        return (*self.load_balancers.values(), *self.nodes.values(), *self.further.values())

    def machine(self, name: str) -> Machine:
        """The machine of that name (KeyError when there is none)."""
        return {machine.name: machine for machine in self.machines()}[name]

    def control_planes(self) -> tuple[Node, ...]:
        """The nodes with an API server, in the order of the file."""
        return tuple(node for node in self.nodes.values() if node.is_control_plane)

    def workers(self) -> tuple[Node, ...]:
        """The other nodes, in the order of the file."""
        return tuple(node for node in self.nodes.values() if not node.is_control_plane)

    @property
    def endpoint_is_name(self) -> bool:
        """Whether the endpoint is a name, to be written to /etc/hosts, and not an address."""
        return not is_address(self.cluster.endpoint)

    def endpoint_address(self) -> str | None:
        """Address behind the endpoint; None where only DNS knows it (a name, and no load balancer listed)."""
        if not self.endpoint_is_name:
            return self.cluster.endpoint
        if self.cluster.endpoint_address:
            return self.cluster.endpoint_address
        behind = (*self.load_balancers.values(), *self.control_planes())
        return behind[0].address if self.load_balancers or len(behind) == 1 else None
