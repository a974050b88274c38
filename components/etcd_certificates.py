"""Certificates of an external etcd: of its members, and of the API servers that are its clients."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pulumi

from components.authority import Authority, Pair
from components.authority.issuing import Request
from config import EtcdMember
from providers.certificates.pki import PKI
from providers.etcd.etcdctl import PKI as ETCD

CLIENT = f"{PKI}/apiserver-etcd-client"
"""Where kubeadm's configuration has the API server look for its certificate and key."""


def names(member: EtcdMember) -> tuple[list[str], list[str]]:
    """The DNS names and the addresses that a member answers to."""
    return sorted({"localhost", member.hostname, member.fqdn}), sorted(
        {"127.0.0.1", "::1", str(member.address)}
    )


def digest(pem: str) -> str:
    """What a member's manifest holds of the CA, so that another one starts it anew."""
    return hashlib.sha256((pem or "").encode()).hexdigest()[:16]


class EtcdCertificates:
    """Leaves of the etcd CA."""

    ca: pulumi.Output[str]
    """The digest of the CAs that are trusted."""

    def __init__(self, authority: Authority) -> None:
        self._authority, self._ca = authority, authority.cas["etcd"]
        self.ca = pulumi.Output.unsecret(pulumi.Output.from_input(self._ca.bundle).apply(digest))
        self._health = self._client("etcd-healthcheck-client", "kube-etcd-healthcheck-client")

    def member(self, member: EtcdMember) -> pulumi.Output[dict[str, str]]:
        """PEM texts by path on a member; secret."""
        dns, addresses = names(member)
        uses = ["server_auth", "client_auth"]
        wanted = Request(common_name=member.hostname, uses=uses, dns=dns, addresses=addresses)
        leaf = self._authority.issuer.leaf
        pairs = {
            f"{ETCD}/server": leaf(f"etcd-{member.name}-server", self._ca, wanted),
            f"{ETCD}/peer": leaf(f"etcd-{member.name}-peer", self._ca, wanted),
            f"{ETCD}/healthcheck-client": self._health,
        }
        return self._files(pairs)

    def control_plane(self) -> pulumi.Output[dict[str, str]]:
        """PEM texts by path on a control plane, without the CA's key, which signs nothing there; secret."""
        client = self._client("apiserver-etcd-client", "kube-apiserver-etcd-client")
        both = pulumi.Output.all(self._authority.pki, self._files({CLIENT: client}))
        return pulumi.Output.secret(both.apply(lambda two: without_stacked({**two[0], **two[1]})))

    def _client(self, purpose: str, common_name: str) -> Pair:
        wanted = Request(common_name=common_name, uses=["client_auth"])
        return self._authority.issuer.leaf(purpose, self._ca, wanted)

    def _files(self, pairs: Mapping[str, Pair]) -> pulumi.Output[dict[str, str]]:
        files: dict[str, Any] = {f"{ETCD}/ca.crt": self._ca.bundle}
        for path, pair in pairs.items():
            files |= {f"{path}.crt": pair.certificate, f"{path}.key": pair.key}
        return pulumi.Output.secret(pulumi.Output.all(**files))


def without_stacked(files: Mapping[str, str]) -> dict[str, str]:
    """The files of a control plane but for those of an etcd member of its own."""
    return {
        path: pem
        for path, pem in files.items()
        if not path.startswith(f"{ETCD}/") or path.endswith("/ca.crt")
    }
