"""The rack as the program reads it: frozen, with defaults merged into every machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from config.addons import Addons, Artifacts, Network, Readiness
from config.authority import Authority
from config.backup import Backup
from config.balancing import Zone
from config.base import Part
from config.cluster import Cluster
from config.external_etcd import EtcdMemberSettings
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


class EtcdMember(EtcdMemberSettings, Machine):
    """A machine of an external etcd."""


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
    backup: Backup | None
    """Backups of etcd; None: no timer."""
    zones: Mapping[str, Zone] = {}
    """Zones beside the cluster's own, by name, as written; `zone` and `endpoints` complete them."""
    load_balancers: Mapping[str, LoadBalancer]
    """Load balancers by name, in the order of the file."""
    nodes: Mapping[str, Node]
    """Nodes by name, in the order of the file."""
    etcd_members: Mapping[str, EtcdMember] = {}
    """Machines of an external etcd by name; none: etcd is stacked on the control planes."""
    further: Mapping[str, Further]
    """Machines that are no part of the cluster, by name."""

    def machines(self) -> tuple[Machine, ...]:
        """All machines: load balancers, nodes, etcd's own, further ones, each in the order of the file."""
        apart = (*self.etcd_members.values(), *self.further.values())
        return (*self.load_balancers.values(), *self.nodes.values(), *apart)

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

    def zone(self, name: str = "") -> Zone:
        """A zone with its address filled in; "" is the cluster's own."""
        cluster = {key: getattr(self.cluster, key) for key in Zone.model_fields}
        zone = self.zones[name] if name else Zone.model_construct(**cluster)
        return zone.model_copy(update={"endpoint_address": self.endpoint_address(name)})

    def zone_of(self, machine: Machine) -> str:
        """The name of a machine's zone; "" for the cluster's own, where further machines are, too."""
        return machine.zone if isinstance(machine, LoadBalancer | Node) else ""

    def endpoints(self) -> Mapping[str, Zone]:
        """All zones by name, each with its address filled in; the cluster's own, "", comes first."""
        return {name: self.zone(name) for name in ("", *self.zones)}

    def balancers_of(self, zone: str = "") -> tuple[LoadBalancer, ...]:
        """The load balancers of a zone, in the order of the file."""
        return tuple(one for one in self.load_balancers.values() if one.zone == zone)

    def nodes_of(self, zone: str, roles: Collection[str]) -> tuple[Node, ...]:
        """The nodes of a zone that have one of the roles, in the order of the file."""
        return tuple(one for one in self.nodes.values() if one.zone == zone and set(one.roles) & set(roles))

    def endpoint_address(self, zone: str = "") -> str | None:
        """Address behind an endpoint; None where only DNS knows it (a name, and no load balancer listed)."""
        if zone:
            return self._address_of(zone)
        if not self.endpoint_is_name:
            return self.cluster.endpoint
        if self.cluster.endpoint_address:
            return self.cluster.endpoint_address
        balancers = self.balancers_of()
        behind = (*balancers, *self.control_planes())
        return behind[0].address if balancers or len(behind) == 1 else None

    def _address_of(self, zone: str) -> str | None:
        written = self.zones[zone]
        if is_address(written.endpoint):
            return written.endpoint
        behind = self.balancers_of(zone)
        return written.endpoint_address or (behind[0].address if behind else None)
