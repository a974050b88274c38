"""The certificates that exist before the cluster does."""

from __future__ import annotations

from components.authority.authority import Authority
from components.authority.issuing import LEAF_USES, CertificateAuthority, Issuer, Pair, Request, key_digest
from components.authority.kubeconfigs import kubeconfig
from components.authority.names import subject_alternative_names
from providers.certificates.pki import PKI

__all__ = [
    "LEAF_USES",
    "PKI",
    "Authority",
    "CertificateAuthority",
    "Issuer",
    "Pair",
    "Request",
    "key_digest",
    "kubeconfig",
    "subject_alternative_names",
]
