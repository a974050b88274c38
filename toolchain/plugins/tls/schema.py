"""The four resource types of tls: their properties, defaults, limits, and what replaces them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

ALGORITHMS = ("RSA", "ECDSA", "ED25519")
CURVES = ("P224", "P256", "P384", "P521")
KEY_USAGES = {
    "digital_signature": "digital_signature",
    "content_commitment": "content_commitment",
    "key_encipherment": "key_encipherment",
    "data_encipherment": "data_encipherment",
    "key_agreement": "key_agreement",
    "cert_signing": "key_cert_sign",
    "crl_signing": "crl_sign",
    "encipher_only": "encipher_only",
    "decipher_only": "decipher_only",
}
"""Key usages (RFC 5280, 4.2.1.3): what users write, and the name in `cryptography`."""
EXTENDED_KEY_USAGES = {
    "any_extended": "2.5.29.37.0",
    "server_auth": "1.3.6.1.5.5.7.3.1",
    "client_auth": "1.3.6.1.5.5.7.3.2",
    "code_signing": "1.3.6.1.5.5.7.3.3",
    "email_protection": "1.3.6.1.5.5.7.3.4",
    "ipsec_end_system": "1.3.6.1.5.5.7.3.5",
    "ipsec_tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec_user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp_signing": "1.3.6.1.5.5.7.3.9",
    "microsoft_server_gated_crypto": "1.3.6.1.4.1.311.10.3.3",
    "netscape_server_gated_crypto": "2.16.840.1.113730.4.1",
    "microsoft_commercial_code_signing": "1.3.6.1.4.1.311.2.1.22",
    "microsoft_kernel_code_signing": "1.3.6.1.4.1.311.61.1.1",
}
"""Extended key usages (RFC 5280, 4.2.1.12, and vendors' own) with their object identifiers."""
USES = tuple(sorted((*KEY_USAGES, *EXTENDED_KEY_USAGES)))


@dataclass(frozen=True)
class Attribute:
    """One property of a resource; `kind` is text, integer, flag, texts, or map (of texts or lists)."""

    name: str
    kind: str = "text"
    required: bool = False
    default: Any = None
    computed: bool = False
    secret: bool = False
    replaces: bool = True
    one_of: tuple[str, ...] = ()
    at_least: int | None = None
    kept: bool = False
    """Whether the resource settles the value when the user gives none."""

    @property
    def underscored(self) -> str:
        """The name as error messages of the official plugin write it."""
        return re.sub(r"(?<!^)([A-Z])", r"_\1", self.name).lower()


@dataclass(frozen=True)
class Kind:
    """A resource type."""

    token: str
    attributes: tuple[Attribute, ...]
    meta: str = ""
    """What the official plugin keeps in `__meta`."""

    @property
    def inputs(self) -> tuple[Attribute, ...]:
        """The properties that a user gives."""
        return tuple(attribute for attribute in self.attributes if not attribute.computed)

    @property
    def expires(self) -> bool:
        """Whether the resource is a certificate."""
        return any(attribute.name == "validityEndTime" for attribute in self.attributes)


def _computed(*names: str, secret: bool = False) -> tuple[Attribute, ...]:
    return tuple(Attribute(name, computed=True, secret=secret) for name in names)


SUBJECT_KEYS = (
    "commonName",
    "country",
    "emailAddress",
    "locality",
    "organization",
    "organizationalUnit",
    "postalCode",
    "province",
    "serialNumber",
    "streetAddresses",
)
_NAMES = (
    Attribute("subject", "map"),
    Attribute("dnsNames", "texts"),
    Attribute("ipAddresses", "texts"),
    Attribute("uris", "texts"),
)
_PRIVATE_KEY_PEM = Attribute("privateKeyPem", required=True, secret=True)
_CERTIFICATE = (
    Attribute("allowedUses", "texts", required=True, one_of=USES),
    Attribute("validityPeriodHours", "integer", required=True, at_least=0),
    Attribute("earlyRenewalHours", "integer", default=0, replaces=False, at_least=0),
    Attribute("isCaCertificate", "flag", default=False),
    Attribute("maxPathLength", "integer", at_least=-1, kept=True),
    Attribute("setSubjectKeyId", "flag", default=False),
    Attribute("readyForRenewal", "flag", computed=True),
    *_computed("certPem", "validityStartTime", "validityEndTime", "id"),
)

PRIVATE_KEY = Kind(
    "tls:index/privateKey:PrivateKey",
    (
        Attribute("algorithm", required=True, one_of=ALGORITHMS),
        Attribute("rsaBits", "integer", default=2048),
        Attribute("ecdsaCurve", default="P224", one_of=CURVES),
        *_computed("privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh", secret=True),
        *_computed("publicKeyPem", "publicKeyOpenssh"),
        *_computed("publicKeyFingerprintMd5", "publicKeyFingerprintSha256", "id"),
    ),
    meta='{"schema_version":"1"}',
)
CERT_REQUEST = Kind(
    "tls:index/certRequest:CertRequest",
    (_PRIVATE_KEY_PEM, *_NAMES, *_computed("keyAlgorithm", "certRequestPem", "id")),
)
SELF_SIGNED_CERT = Kind(
    "tls:index/selfSignedCert:SelfSignedCert",
    (
        _PRIVATE_KEY_PEM,
        *_NAMES,
        *_CERTIFICATE,
        Attribute("setAuthorityKeyId", "flag", default=False),
        *_computed("keyAlgorithm"),
    ),
)
LOCALLY_SIGNED_CERT = Kind(
    "tls:index/locallySignedCert:LocallySignedCert",
    (
        Attribute("caCertPem", required=True),
        Attribute("caPrivateKeyPem", required=True, secret=True),
        Attribute("certRequestPem", required=True),
        *_CERTIFICATE,
        *_computed("caKeyAlgorithm"),
    ),
)
KINDS = {kind.token: kind for kind in (PRIVATE_KEY, CERT_REQUEST, SELF_SIGNED_CERT, LOCALLY_SIGNED_CERT)}
