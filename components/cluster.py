"""The cluster: control planes, workers, and the API behind its endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from components import properties
from components.authority import Authority
from components.load_balancer import LoadBalancer
from components.node import ReadyNode
from config import Rack
from providers.adapter import Formation, Membership


class Cluster(pulumi.ComponentResource):
    """Memberships side by side (the provider lets control planes join one at a time), then the formation."""

    formation: Formation
    """The API answers through the endpoint; what runs on the cluster waits for it."""
    memberships: Sequence[Membership]

    def __init__(
        self,
        name: str,
        rack: Rack,
        nodes: Mapping[str, ReadyNode],
        authority: Authority,
        load_balancers: Sequence[LoadBalancer],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("helicon:index:Cluster", name, {}, opts)
        self._rack, self._authority = rack, authority
        endpoints = [one.last for one in load_balancers]
        joined = {key: self._join(node, endpoints) for key, node in nodes.items()}
        self.memberships = list(joined.values())
        control_planes = [joined[one.name] for one in rack.control_planes()]
        wanted = {"endpoint": str(rack.cluster.endpoint), "ca": authority.ca_digest}
        options = pulumi.ResourceOptions(parent=self, depends_on=control_planes)
        self.formation = Formation(f"{name}-formation", wanted, options)
        self.register_outputs({})

    def _join(self, node: ReadyNode, endpoints: Sequence[pulumi.Resource]) -> Membership:
        wanted = properties.membership(self._rack, node.node, self._authority.ca_digest)
        if node.node.is_control_plane:
            wanted["pki"] = self._authority.pki
        machine = node.node.name
        options = pulumi.ResourceOptions(parent=node, depends_on=[node.last, *endpoints])
        return Membership(f"{machine}-membership", machine, node.connection, wanted, options)
