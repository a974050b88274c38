"""Certificate requests and certificates, with the extensions that the official plugin gives them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from toolchain.plugins.protocol import Failure
from toolchain.plugins.tls import keys, names
from toolchain.plugins.tls.schema import EXTENDED_KEY_USAGES, KEY_USAGES

SERIAL_BITS = 128
Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Request:
    """Whom a certificate is for."""

    subject: x509.Name
    names: list[x509.GeneralName]
    key: Any


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Who signs: a name, a key, and the identifier of that key where it has one."""

    name: x509.Name
    key: keys.PrivateKey
    identifier: bytes | None


def request(inputs: Values) -> dict[str, Any]:
    """Make a certificate request; returns its computed properties."""
    key = keys.parse(inputs["privateKeyPem"], "private key")
    builder = x509.CertificateSigningRequestBuilder().subject_name(names.subject_name(inputs.get("subject")))
    if alternatives := names.alternative_names(inputs):
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    made = builder.sign(key, keys.signature_hash(key))
    return {
        "id": keys.checksum(made.public_bytes(Encoding.DER)),
        "certRequestPem": made.public_bytes(Encoding.PEM).decode(),
        "keyAlgorithm": keys.algorithm_of(key),
    }


def self_signed(inputs: Values, now: datetime) -> dict[str, Any]:
    """Make a certificate signed with its own key; returns its computed properties."""
    key = keys.parse(inputs["privateKeyPem"], "private key")
    name = names.subject_name(inputs.get("subject"))
    wanted = Request(subject=name, names=names.alternative_names(inputs), key=key.public_key())
    own = _key_identifier(wanted.key) if _has_identifier(inputs) else None
    if inputs.get("setAuthorityKeyId") and own is None:
        raise Failure("Invalid Certificate Authority: Could not determine Authority Key Identifier")
    shown_identifier = own if inputs.get("setAuthorityKeyId") else None
    issuer = Issuer(name=name, key=key, identifier=shown_identifier)
    return {**_issue(inputs, wanted, issuer, now), "keyAlgorithm": keys.algorithm_of(key)}


def locally_signed(inputs: Values, now: datetime) -> dict[str, Any]:
    """Make a certificate for a request, signed with an authority's key; returns its computed properties."""
    wanted = _parse_request(inputs["certRequestPem"])
    key = keys.parse(inputs["caPrivateKeyPem"], "CA private key")
    authority = _parse_certificate(inputs["caCertPem"])
    if authority.public_key() != key.public_key():
        problem = "x509: provided PrivateKey doesn't match parent's PublicKey"
        raise Failure(f"Failed to create certificate: {problem}")
    # a certificate that names itself as issuer does not point at the issuer's key
    same = authority.subject == wanted.subject
    identifier = None if same else _identifier_of(authority)
    issuer = Issuer(name=authority.subject, key=key, identifier=identifier)
    return {**_issue(inputs, wanted, issuer, now), "caKeyAlgorithm": keys.algorithm_of(key)}


def is_authority(pem: str) -> bool:
    """Whether a certificate says of itself that it may sign others."""
    try:
        constraints = _parse_certificate(pem).extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return constraints.value.ca


def _issue(inputs: Values, wanted: Request, issuer: Issuer, now: datetime) -> dict[str, Any]:
    if inputs.get("isCaCertificate") and not list(wanted.subject):
        raise Failure(
            "Invalid Certificate Subject: "
            "Must contain at least one Distinguished Name when creating Certificate Authority (CA)"
        )
    end = now + timedelta(hours=inputs["validityPeriodHours"])
    serial = secrets.randbits(SERIAL_BITS) or 1
    start, stop = now.replace(microsecond=0), end.replace(microsecond=0)
    builder = x509.CertificateBuilder(issuer.name, wanted.subject, wanted.key, serial, start, stop)
    for extension, critical in _extensions(inputs, wanted, issuer):
        builder = builder.add_extension(extension, critical)
    try:
        made = builder.sign(issuer.key, keys.signature_hash(issuer.key))
    except ValueError as error:
        raise Failure(f"Failed to create certificate: {error}") from error
    return {
        "id": str(serial),
        "certPem": made.public_bytes(Encoding.PEM).decode(),
        "validityStartTime": _stamp(now),
        "validityEndTime": _stamp(end),
    }


def _extensions(inputs: Values, wanted: Request, issuer: Issuer) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = []
    uses = inputs.get("allowedUses") or []
    if any(use in KEY_USAGES for use in uses):
        flags = {name: use in uses for use, name in KEY_USAGES.items()}
        found.append((_key_usage(flags), True))
    if extended := [EXTENDED_KEY_USAGES[use] for use in uses if use in EXTENDED_KEY_USAGES]:
        identifiers = [x509.ObjectIdentifier(number) for number in extended]
        found.append((x509.ExtendedKeyUsage(identifiers), False))
    found.append((_constraints(inputs), True))
    if _has_identifier(inputs):
        found.append((x509.SubjectKeyIdentifier(_key_identifier(wanted.key)), False))
    if issuer.identifier is not None:
        found.append((x509.AuthorityKeyIdentifier(issuer.identifier, None, None), False))
    if wanted.names:
        # RFC 5280, 4.2.1.6: critical where the subject is empty
        found.append((x509.SubjectAlternativeName(wanted.names), not list(wanted.subject)))
    return found


def _key_usage(flags: dict[str, bool]) -> x509.KeyUsage:
    try:
        return x509.KeyUsage(**flags)
    except ValueError as error:
        raise Failure(f"Failed to create certificate: {error}") from error


def _constraints(inputs: Values) -> x509.BasicConstraints:
    """Return the basic constraints; the official plugin writes no length of 0, nor any without a CA."""
    authority = bool(inputs.get("isCaCertificate"))
    length = (inputs.get("maxPathLength") or 0) if authority else 0
    return x509.BasicConstraints(ca=authority, path_length=length if length > 0 else None)


def _has_identifier(inputs: Values) -> bool:
    return bool(inputs.get("isCaCertificate") or inputs.get("setSubjectKeyId"))


def _key_identifier(key: Any) -> bytes:
    """Return the SHA-1 of the public key's bits; for Ed25519 of an OCTET STRING around them."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return hashlib.sha1(b"\x04\x20" + key.public_bytes(Encoding.Raw, PublicFormat.Raw)).digest()
    return x509.SubjectKeyIdentifier.from_public_key(key).digest


def _identifier_of(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def _parse_request(pem: str) -> Request:
    what = "certificate request"
    _expect(pem, "CERTIFICATE REQUEST", what)
    try:
        parsed = x509.load_pem_x509_csr(pem.encode())
        return Request(subject=parsed.subject, names=names.requested_names(parsed), key=parsed.public_key())
    except ValueError as error:
        raise Failure(f"Failed to parse {what} PEM: failed to parse {what}: {error}") from error


def _parse_certificate(pem: str) -> x509.Certificate:
    _expect(pem, "CERTIFICATE", "CA certificate")
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise Failure(f"Failed to parse CA certificate PEM: failed to parse certificate: {error}") from error


def _expect(pem: str, preamble: str, what: str) -> None:
    found = keys.preamble_of(pem)
    if not found:
        problem = f'failed to decode PEM of expected type "{preamble}" from bytes'
        raise Failure(f"Failed to parse {what} PEM: {problem}")
    if found != preamble:
        problem = f'invalid PEM type - expected "{preamble}", got "{found}"'
        raise Failure(f"Failed to parse {what} PEM: {problem}")


def _stamp(moment: datetime) -> str:
    """Return RFC 3339 with as many digits of the second as there are."""
    moment = moment.astimezone(UTC)
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
