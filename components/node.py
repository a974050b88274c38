"""One board made ready: everything short of joining the cluster."""

from __future__ import annotations

from typing import Any

import pulumi

from components import properties, virtual_ip
from components.commands import run_commands
from components.passwords import let_in
from components.sources import Source
from config import EtcdMember, Machine, Node, Rack
from providers import call_stack
from providers.adapter import Access, Balancer, Kernel, MachineResource, Network, Software, Storage, System
from providers.reaching import connection_of


class Board(pulumi.ComponentResource):
    """A machine that answers, with its name, clock, files, package sources and kernel settings."""

    last: MachineResource
    """The resource to wait for before anything else is done on the machine."""

    def __init__(
        self,
        kind: str,
        rack: Rack,
        machine: Machine,
        source: Source | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Without a source packages come from where the machine has them already."""
        with call_stack.not_kept():
            super().__init__(f"helicon:index:{kind}", machine.name, {}, opts)
        self.machine = machine
        self.connection = connection_of(machine).render()
        access = self.add(Access, {"architecture": machine.architecture, **let_in(machine)})
        network = properties.network(machine)
        reached = self.add(Network, network, access) if network else access
        sources = properties.sources(machine, source) if source else {}
        system = self.add(System, {**properties.system(rack, machine), **sources}, reached)
        settings = properties.kernel(machine, node=isinstance(machine, Node | EtcdMember))
        kernel = self.add(Kernel, settings, system) if settings else system
        storage = properties.storage(machine)
        self.last = self.add(Storage, storage, kernel) if storage else kernel

    def add(
        self, kind: type[MachineResource], wanted: dict[str, Any], *needs: pulumi.Resource
    ) -> MachineResource:
        """A resource of this machine, after others."""
        name = f"{self.machine.name}-{kind.__name__.lower()}"
        opts = pulumi.ResourceOptions(parent=self, depends_on=list(needs))
        return kind(name, self.machine.name, self.connection, wanted, opts)


class FurtherMachine(Board):
    """A machine of the rack that is prepared, and no part of the cluster."""

    def __init__(
        self, rack: Rack, machine: Machine, source: Source, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Machine", rack, machine, source, opts)
        software = properties.further_software(machine)
        if software:
            self.last = self.add(Software, software, self.last)
        run_commands(machine, self, self.last)
        self.register_outputs({"address": str(machine.address)})


class ReadyNode(Board):
    """A board with a container runtime, its images and a kubelet."""

    def __init__(
        self, rack: Rack, node: Node, source: Source, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Node", rack, node, source, opts)
        self.node = node
        self.last = self.add(Software, properties.software(rack, node, source), self.last)
        balancer = virtual_ip.beside_api_server(rack, node)
        if balancer:
            self.last = self.add(Balancer, balancer, self.last)
        run_commands(node, self, self.last)
        self.register_outputs({"address": str(node.address)})
