"""What runs on the cluster for everyone: one module for each addon."""

from __future__ import annotations

import pulumi

from components.addons.metrics_server import MetricsServer
from config import Rack


class Addons(pulumi.ComponentResource):
    """The addons that the stack asks for."""

    def __init__(self, name: str, rack: Rack, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("helicon:index:Addons", name, {}, opts)
        if rack.addons.metrics_server.enabled:
            MetricsServer("metrics-server", rack.addons.metrics_server, pulumi.ResourceOptions(parent=self))
        self.register_outputs({})
