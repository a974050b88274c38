"""What runs on the cluster for everyone: one module for each addon."""

from __future__ import annotations

import pulumi

from components.addons.metrics_server import MetricsServer
from config import Rack
from config.addons import MetricsServer as Settings


class Addons(pulumi.ComponentResource):
    """The addons that the stack asks for."""

    def __init__(self, name: str, rack: Rack, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("helicon:index:Addons", name, {}, opts)
        if rack.addons.metrics_server.enabled:
            MetricsServer("metrics-server", metrics_settings(rack), pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


def metrics_settings(rack: Rack) -> Settings:
    """metrics-server's settings: it checks the kubelets' certificates where the cluster's CA signs them."""
    settings = rack.addons.metrics_server
    signed = rack.authority.kubelet_serving == "signed"
    return settings.model_copy(update={"kubelet_insecure_tls": False}) if signed else settings
