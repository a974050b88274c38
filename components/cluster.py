"""The cluster: control planes, workers, and the API behind its endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from components import backup, certificate_properties, membership_properties
from components.authority import Authority
from components.etcd import ExternalEtcd
from components.load_balancer import LoadBalancer
from components.node import ReadyNode
from config import Rack
from providers.adapter import ApiServer, Formation, Membership


class Cluster(pulumi.ComponentResource):
    """Memberships side by side (the provider lets control planes join one at a time), then the formation."""

    api_server: ApiServer
    """What runs on the cluster waits for it: the API of a first control plane, which the others may still join.

    So later changes of what runs on the cluster are made beside those of control planes, which are one at a
    time, with the API behind the endpoint; where there is one control plane, after it.
    """
    memberships: Sequence[Membership]

    def __init__(
        self,
        name: str,
        rack: Rack,
        nodes: Mapping[str, ReadyNode],
        authority: Authority,
        load_balancers: Sequence[LoadBalancer],
        etcd: ExternalEtcd | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("helicon:index:Cluster", name, {}, opts)
        self._rack, self._authority = rack, authority
        self._pki = etcd.pki if etcd and etcd.pki is not None else authority.pki
        before = [one.last for one in [*load_balancers, *(etcd.members if etcd else [])]]
        joined = {key: self._join(node, before) for key, node in nodes.items()}
        self.memberships = list(joined.values())
        wanted = {"endpoint": str(rack.cluster.endpoint), "ca": authority.ca_digest}
        control_planes = [one.name for one in rack.control_planes()]
        members = [joined[key] for key in control_planes]
        prepared = [*before, *(nodes[key].last for key in control_planes)]
        first = self._after(prepared if len(members) > 1 else members)
        self.api_server = ApiServer(f"{name}-api-server", wanted, first)
        Formation(f"{name}-formation", wanted, self._after(members))
        self.register_outputs({})

    def _after(self, needs: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(needs))

    def _join(self, node: ReadyNode, before: Sequence[pulumi.Resource]) -> Membership:
        wanted = membership_properties.membership(self._rack, node.node, self._authority.ca_digest)
        wanted |= certificate_properties.trusted_cas(self._rack, node.node, self._authority.ca_bundle)
        if node.node.is_control_plane:
            wanted["pki"] = self._pki
            wanted |= {} if self._rack.etcd_members else backup.properties(self._rack)
        machine = node.node.name
        options = pulumi.ResourceOptions(parent=node, depends_on=[node.last, *before])
        return Membership(f"{machine}-membership", machine, node.connection, wanted, options)
