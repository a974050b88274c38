"""The authority of a rack: what signs, what is signed before any machine is reached, and the kubeconfigs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.authority.cas import authorities
from components.authority.issuing import CertificateAuthority, Issuer, Pair, Request
from components.authority.kubeconfigs import kubeconfig
from components.authority.names import subject_alternative_names
from config import Rack
from config.authority import CaName
from providers.certificates.pki import PKI, SIGNING

FILES: Mapping[CaName, str] = {"kubernetes": "ca", "front_proxy": "front-proxy-ca", "etcd": "etcd/ca"}
"""Where kubeadm looks for each CA, below PKI and without suffix."""


class Authority(pulumi.ComponentResource):
    """Cluster, front-proxy and etcd CAs, the service-account key, the API server's and the users' certificates."""

    pki: pulumi.Output[dict[str, str]]
    """PEM texts by path on a control plane; secret."""
    ca_digest: pulumi.Output[str]
    """The cluster CA as `kubeadm join` pins it."""
    ca_bundle: pulumi.Output[str]
    """The cluster CAs that are trusted, the one that signs first."""
    kubeconfig: pulumi.Output[str]
    """The administrator's kubeconfig; secret."""
    kubeconfigs: pulumi.Output[dict[str, str]]
    """Further kubeconfigs by the user's name; secret."""
    cas: Mapping[CaName, CertificateAuthority]
    """The CAs, for what else is signed by them."""
    issuer: Issuer
    """Makes further keys and certificates of this authority."""

    def __init__(self, name: str, rack: Rack, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("helicon:index:Authority", name, {}, opts)
        self._rack = rack
        self.issuer = Issuer(name, rack, self)
        self.cas = authorities(self.issuer, rack)
        self.pki = self._files()
        cluster = self.cas["kubernetes"]
        self.ca_digest, self.ca_bundle = cluster.digest, cluster.bundle
        # system:masters, so that the kubeconfig works before any role binding exists
        self.kubeconfig = self._kubeconfig("admin", "kubernetes-admin", "system:masters", self._hours(None))
        self.kubeconfigs = self._further()
        self.register_outputs({"ca_digest": self.ca_digest})

    def _files(self) -> pulumi.Output[dict[str, str]]:
        dns, addresses = subject_alternative_names(self._rack)
        account = self.issuer.key("service-account")
        wanted = Request(common_name="kube-apiserver", uses=["server_auth"], dns=dns, addresses=addresses)
        server = self.issuer.leaf("apiserver", self.cas["kubernetes"], wanted)
        files: dict[str, Any] = {}
        for name, ca in self.cas.items():
            files |= _pair(FILES[name], Pair(key=ca.key, certificate=ca.bundle))
        files |= _pair("apiserver", server)
        files[f"{PKI}/sa.key"], files[f"{PKI}/sa.pub"] = account.private_key_pem, account.public_key_pem
        # the controller manager refuses a bundle for what it signs with
        files[SIGNING] = self.cas["kubernetes"].certificate
        return pulumi.Output.secret(pulumi.Output.all(**files))

    def _hours(self, own: int | None) -> int | None:
        return own or self._rack.authority.kubeconfig_validity_hours

    def _further(self) -> pulumi.Output[dict[str, str]]:
        made = {
            user: self._kubeconfig(
                f"user-{user}", user, next(iter(one.groups), None), self._hours(one.validity_hours)
            )
            for user, one in self._rack.authority.kubeconfigs.items()
        }
        return pulumi.Output.secret(pulumi.Output.all(**made))

    def _kubeconfig(
        self, purpose: str, user: str, group: str | None, hours: int | None
    ) -> pulumi.Output[str]:
        ca, cluster = self.cas["kubernetes"], self._rack.cluster
        wanted = Request(common_name=user, uses=["client_auth"], group=group, hours=hours)
        client = self.issuer.leaf(purpose, ca, wanted)
        server = f"https://{cluster.endpoint_address or cluster.endpoint}:{cluster.endpoint_port}"
        parts = pulumi.Output.all(ca=ca.bundle, cert=client.certificate, key=client.key)
        label = purpose.removeprefix("user-")
        composed = parts.apply(
            lambda known: kubeconfig(cluster.name, server, known, label) if all(known.values()) else ""
        )
        return pulumi.Output.secret(composed)


def _pair(name: str, pair: Pair) -> dict[str, Any]:
    return {f"{PKI}/{name}.crt": pair.certificate, f"{PKI}/{name}.key": pair.key}
