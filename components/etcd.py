"""A machine of an external etcd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from components import backup, etcd_properties
from components.authority import Authority
from components.commands import run_commands
from components.etcd_certificates import EtcdCertificates
from components.node import Board
from components.sources import Source
from config import Rack
from providers.adapter import Etcd, Software


class EtcdMember(Board):
    """A board with a container runtime and a kubelet of its own that runs etcd."""

    def __init__(
        self,
        rack: Rack,
        name: str,
        source: Source,
        certificates: EtcdCertificates,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        member = rack.etcd_members[name]
        super().__init__("EtcdMember", rack, member, source, opts)
        software = self.add(Software, etcd_properties.software(rack, member, source), self.last)
        wanted = {
            "pki": certificates.member(member),
            "etcd_member": etcd_properties.member(rack, member, certificates.ca),
            **backup.properties(rack),
        }
        self.last = self.add(Etcd, wanted, software)
        run_commands(member, self, self.last)
        self.register_outputs({"address": str(member.address)})


class ExternalEtcd:
    """All members of a rack, side by side (the provider lets them join one at a time); none where etcd is stacked."""

    members: Sequence[EtcdMember]
    """The cluster waits for them."""
    pki: pulumi.Output[dict[str, str]] | None
    """PEM texts by path on a control plane; None where etcd is stacked."""

    def __init__(self, rack: Rack, authority: Authority, sources: Mapping[str, Source]) -> None:
        self.members, self.pki = [], None
        if rack.etcd_members:
            certificates = EtcdCertificates(authority)
            self.pki = certificates.control_plane()
            self.members = [
                EtcdMember(rack, name, sources[one.architecture], certificates)
                for name, one in rack.etcd_members.items()
            ]
