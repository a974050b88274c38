"""The machine in front of the control planes."""

from __future__ import annotations

import pulumi

from components import balancing, virtual_ip
from components.commands import run_commands
from components.node import Board
from components.sources import Source
from config import Rack
from providers.adapter import Balancer


class LoadBalancer(Board):
    """HAProxy on one machine, its backends following the control planes."""

    def __init__(
        self, rack: Rack, name: str, source: Source, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("LoadBalancer", rack, rack.load_balancers[name], source, opts)
        machine = rack.load_balancers[name]
        wanted = virtual_ip.on_load_balancer(rack, machine, balancing.balancer(rack, machine))
        self.last = self.add(Balancer, wanted, self.last)
        run_commands(self.machine, self, self.last)
        self.register_outputs({"address": str(self.machine.address)})
