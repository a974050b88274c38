"""The certificates that exist before the cluster does."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import pulumi
import pulumi_tls as tls

from config import Rack

PKI = "/etc/kubernetes/pki"
CA_USES = ["cert_signing", "crl_signing", "digital_signature", "key_encipherment"]
LEAF_USES = ["digital_signature", "key_encipherment"]


def subject_alternative_names(rack: Rack) -> tuple[list[str], list[str]]:
    """The DNS names and the IP addresses that the API server answers to, each sorted."""
    cluster = rack.cluster
    first_service = cluster.service_address
    service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster"]
    service.append(f"kubernetes.default.svc.{cluster.dns_domain}")
    machines = [*rack.control_planes(), *rack.load_balancers.values()]
    own = [str(machine.address) for machine in machines] + [machine.hostname for machine in machines]
    extra = [str(name) for name in rack.authority.extra_sans]
    every = {"localhost", "127.0.0.1", "::1", first_service, str(cluster.endpoint), *service, *own, *extra}
    addresses = {name for name in every if _is_address(name)}
    return sorted(every - addresses), sorted(addresses)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def key_digest(public_key_pem: str) -> str:
    """How `kubeadm join` names a CA: the SHA-256 of its public key (RFC 5280 SubjectPublicKeyInfo, DER)."""
    lines = [line for line in public_key_pem.splitlines() if line and not line.startswith("-----")]
    return "sha256:" + hashlib.sha256(base64.b64decode("".join(lines))).hexdigest()


def kubeconfig(name: str, server: str, parts: Mapping[str, str]) -> str:
    """A kubeconfig (JSON, which is YAML) with the CA, the client's certificate and its key inside."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in parts.items()}
    user = f"{name}-admin"
    cluster = {"server": server, "certificate-authority-data": data["ca"]}
    identity = {"client-certificate-data": data["cert"], "client-key-data": data["key"]}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": identity}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    return json.dumps(document, indent=2) + "\n"


class Authority(pulumi.ComponentResource):
    """Cluster, front-proxy and etcd CAs, the service-account key, the API server's and the admin's certificate."""

    pki: pulumi.Output[dict[str, str]]
    """PEM texts by path on a control plane; secret."""
    ca_digest: pulumi.Output[str]
    """The cluster CA as `kubeadm join` pins it."""
    kubeconfig: pulumi.Output[str]
    """The administrator's kubeconfig; secret."""

    def __init__(self, name: str, rack: Rack, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("helicon:index:Authority", name, {}, opts)
        self._name, self._rack, self._settings = name, rack, rack.authority
        self._opts = pulumi.ResourceOptions(parent=self)
        cas = {one: self._ca(one) for one in ("kubernetes", "front-proxy", "etcd")}
        account = self._key("service-account")
        dns, addresses = subject_alternative_names(rack)
        server = self._leaf(
            "apiserver", cas["kubernetes"], "kube-apiserver", [], ["server_auth"], dns, addresses
        )
        # system:masters, so that the kubeconfig works before any role binding exists
        admin = self._leaf(
            "admin", cas["kubernetes"], "kubernetes-admin", ["system:masters"], ["client_auth"]
        )
        self.pki = self._files(cas, account, server)
        # nothing is known of a key that failed, or that `destroy --run-program` finds gone already
        self.ca_digest = cas["kubernetes"][0].public_key_pem.apply(lambda pem: key_digest(pem) if pem else "")
        self.kubeconfig = self._kubeconfig(cas["kubernetes"][1], admin)
        self.register_outputs({"ca_digest": self.ca_digest})

    def _key(self, purpose: str) -> tls.PrivateKey:
        settings = self._settings
        return tls.PrivateKey(
            f"{self._name}-{purpose}",
            algorithm=settings.algorithm,
            ecdsa_curve=settings.ecdsa_curve if settings.algorithm == "ECDSA" else None,
            rsa_bits=settings.rsa_bits if settings.algorithm == "RSA" else None,
            opts=self._opts,
        )

    def _ca(self, purpose: str) -> tuple[tls.PrivateKey, tls.SelfSignedCert]:
        key = self._key(f"{purpose}-ca")
        certificate = tls.SelfSignedCert(
            f"{self._name}-{purpose}-ca",
            private_key_pem=key.private_key_pem,
            is_ca_certificate=True,
            set_subject_key_id=True,
            validity_period_hours=self._settings.ca_validity_hours,
            allowed_uses=CA_USES,
            dns_names=[f"{purpose}-ca" if purpose != "kubernetes" else "kubernetes"],
            subject=tls.SelfSignedCertSubjectArgs(
                **self._settings.subject.model_dump(exclude_none=True), common_name=f"{purpose}-ca"
            ),
            opts=self._opts,
        )
        return key, certificate

    def _leaf(
        self,
        purpose: str,
        ca: tuple[tls.PrivateKey, tls.SelfSignedCert],
        common_name: str,
        groups: Sequence[str],
        uses: Sequence[str],
        dns: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> tuple[tls.PrivateKey, tls.LocallySignedCert]:
        key = self._key(purpose)
        # the organization of a certificate is its group in Kubernetes: the configured one is for the CAs
        group = groups[0] if groups else None
        subject = tls.CertRequestSubjectArgs(common_name=common_name, organization=group)
        request = tls.CertRequest(
            f"{self._name}-{purpose}",
            private_key_pem=key.private_key_pem,
            subject=subject,
            dns_names=list(dns) or None,
            ip_addresses=list(addresses) or None,
            opts=self._opts,
        )
        certificate = tls.LocallySignedCert(
            f"{self._name}-{purpose}",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=ca[0].private_key_pem,
            ca_cert_pem=ca[1].cert_pem,
            validity_period_hours=self._settings.validity_hours,
            early_renewal_hours=self._settings.early_renewal_hours,
            allowed_uses=[*LEAF_USES, *uses],
            opts=self._opts,
        )
        return key, certificate

    def _files(
        self,
        cas: Mapping[str, tuple[tls.PrivateKey, tls.SelfSignedCert]],
        account: tls.PrivateKey,
        server: tuple[tls.PrivateKey, tls.LocallySignedCert],
    ) -> pulumi.Output[dict[str, str]]:
        names = {"kubernetes": "ca", "front-proxy": "front-proxy-ca", "etcd": "etcd/ca"}
        files: dict[str, Any] = {}
        for purpose, (key, certificate) in cas.items():
            files[f"{PKI}/{names[purpose]}.crt"] = certificate.cert_pem
            files[f"{PKI}/{names[purpose]}.key"] = key.private_key_pem
        files[f"{PKI}/sa.key"], files[f"{PKI}/sa.pub"] = account.private_key_pem, account.public_key_pem
        files[f"{PKI}/apiserver.crt"] = server[1].cert_pem
        files[f"{PKI}/apiserver.key"] = server[0].private_key_pem
        return pulumi.Output.secret(pulumi.Output.all(**files))

    def _kubeconfig(
        self, ca: tls.SelfSignedCert, admin: tuple[tls.PrivateKey, tls.LocallySignedCert]
    ) -> pulumi.Output[str]:
        cluster = self._rack.cluster
        server = f"https://{cluster.endpoint_address or cluster.endpoint}:{cluster.endpoint_port}"
        parts = pulumi.Output.all(ca=ca.cert_pem, cert=admin[1].cert_pem, key=admin[0].private_key_pem)
        composed = parts.apply(
            lambda known: kubeconfig(cluster.name, server, known) if all(known.values()) else ""
        )
        return pulumi.Output.secret(composed)
