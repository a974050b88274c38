"""The last word: the cluster works, from every node."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pulumi

from components.membership_properties import membership
from config import Rack
from providers.adapter import Readiness as ReadinessResource


def expectations(rack: Rack) -> dict[str, Any]:
    """What must be ready; a change of any membership asks for the proof again."""
    memberships = {node.name: membership(rack, node, "") for node in rack.nodes.values()}
    digest = hashlib.sha256(json.dumps(memberships, sort_keys=True).encode()).hexdigest()
    return {
        "nodes": [node.hostname for node in rack.nodes.values()],
        "probe_image": rack.readiness.probe_image,
        "service_ip": rack.cluster.service_address,
        "dns_name": f"kubernetes.default.svc.{rack.cluster.dns_domain}",
        "timeout": rack.readiness.timeout,
        "memberships": digest,
    }


class Readiness(pulumi.ComponentResource):
    """All nodes and system pods ready, a service IP and DNS answering on every node."""

    def __init__(
        self,
        name: str,
        rack: Rack,
        needs: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("helicon:index:Readiness", name, {}, opts)
        options = pulumi.ResourceOptions(parent=self, depends_on=list(needs))
        ReadinessResource(f"{name}-proof", expectations(rack), options)
        self.register_outputs({})
