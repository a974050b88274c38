"""Keys, CAs and the certificates that they sign, as pulumi-tls resources."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_tls as tls

from config import Rack

CA_USES = ["cert_signing", "crl_signing", "digital_signature", "key_encipherment"]
LEAF_USES = ["digital_signature", "key_encipherment"]
Pem = pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A private key (secret) and a certificate, both PEM."""

    key: Pem
    certificate: Pem


@dataclass(frozen=True, kw_only=True)
class CertificateAuthority(Pair):
    """The CA that signs, and what is trusted besides."""

    digest: pulumi.Output[str]
    """The CA as `kubeadm join` pins it."""
    bundle: Pem
    """The trusted certificates, that of the CA that signs first."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Whom a certificate is for, and how long; without hours, as the configuration says."""

    common_name: str
    uses: Sequence[str]
    group: str | None = None
    dns: Sequence[str] = ()
    addresses: Sequence[str] = ()
    hours: int | None = None


def key_digest(public_key_pem: str) -> str:
    """How `kubeadm join` names a CA: the SHA-256 of its public key (RFC 5280 SubjectPublicKeyInfo, DER)."""
    lines = [line for line in public_key_pem.splitlines() if line and not line.startswith("-----")]
    return "sha256:" + hashlib.sha256(base64.b64decode("".join(lines))).hexdigest()


class Issuer:
    """Makes keys and certificates below one component, each named for its purpose."""

    def __init__(self, name: str, rack: Rack, parent: pulumi.Resource) -> None:
        self._name, self._settings = name, rack.authority
        self._opts = pulumi.ResourceOptions(parent=parent)

    def key(self, purpose: str) -> tls.PrivateKey:
        """A key of the configured kind."""
        settings = self._settings
        return tls.PrivateKey(
            f"{self._name}-{purpose}",
            algorithm=settings.algorithm,
            ecdsa_curve=settings.ecdsa_curve if settings.algorithm == "ECDSA" else None,
            rsa_bits=settings.rsa_bits if settings.algorithm == "RSA" else None,
            opts=self._opts,
        )

    def authority(self, purpose: str, generation: int) -> CertificateAuthority:
        """A CA; the first generation has the names that it had before there were others."""
        common_name = f"{purpose}-ca" if generation == 1 else f"{purpose}-ca-{generation}"
        key = self.key(common_name)
        made = tls.SelfSignedCert(
            f"{self._name}-{common_name}",
            private_key_pem=key.private_key_pem,
            is_ca_certificate=True,
            set_subject_key_id=True,
            validity_period_hours=self._settings.ca_validity_hours,
            allowed_uses=CA_USES,
            dns_names=[f"{purpose}-ca" if purpose != "kubernetes" else "kubernetes"],
            subject=tls.SelfSignedCertSubjectArgs(
                **self._settings.subject.model_dump(exclude_none=True), common_name=common_name
            ),
            opts=self._opts,
        )
        # nothing is known of a key that failed, or that `destroy --run-program` finds gone already
        digest = key.public_key_pem.apply(lambda pem: key_digest(pem) if pem else "")
        return CertificateAuthority(
            key=key.private_key_pem, certificate=made.cert_pem, digest=digest, bundle=made.cert_pem
        )

    def leaf(self, purpose: str, ca: Pair, wanted: Request) -> Pair:
        """A certificate signed by a CA; a run shortly before its end renews it."""
        key = self.key(purpose)
        request = tls.CertRequest(
            f"{self._name}-{purpose}",
            private_key_pem=key.private_key_pem,
            # the organization of a certificate is its group in Kubernetes: the configured one is for the CAs
            subject=tls.CertRequestSubjectArgs(common_name=wanted.common_name, organization=wanted.group),
            dns_names=list(wanted.dns) or None,
            ip_addresses=list(wanted.addresses) or None,
            opts=self._opts,
        )
        hours = wanted.hours or self._settings.validity_hours
        certificate = tls.LocallySignedCert(
            f"{self._name}-{purpose}",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=ca.key,
            ca_cert_pem=ca.certificate,
            validity_period_hours=hours,
            early_renewal_hours=self._early(hours),
            allowed_uses=[*LEAF_USES, *wanted.uses],
            opts=self._opts,
        )
        return Pair(key=key.private_key_pem, certificate=certificate.cert_pem)

    def _early(self, hours: int) -> int:
        """Hours before the end; of a life shorter than usual, its last third at most."""
        early = self._settings.early_renewal_hours
        return early if hours >= self._settings.validity_hours else min(early, hours // 3)
