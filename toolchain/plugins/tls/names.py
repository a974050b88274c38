"""Who a certificate is for: the subject's distinguished name and the alternative names."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from toolchain.plugins.protocol import Failure

_ORDER = {
    "country": NameOID.COUNTRY_NAME,
    "organization": NameOID.ORGANIZATION_NAME,
    "organizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "locality": NameOID.LOCALITY_NAME,
    "province": NameOID.STATE_OR_PROVINCE_NAME,
    "streetAddresses": NameOID.STREET_ADDRESS,
    "postalCode": NameOID.POSTAL_CODE,
    "commonName": NameOID.COMMON_NAME,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}
"""The subject's keys in the order in which the official plugin writes them into the name."""


def subject_name(subject: Mapping[str, Any] | None) -> x509.Name:
    """Return the distinguished name of a subject; several streets are one multi-valued part."""
    parts: list[x509.RelativeDistinguishedName] = []
    for key, identifier in _ORDER.items():
        given = (subject or {}).get(key)
        values = [value for value in (given if isinstance(given, list) else [given]) if value]
        attributes = [x509.NameAttribute(identifier, value, _validate=False) for value in values]
        if attributes:
            parts.append(x509.RelativeDistinguishedName(attributes))
    return x509.Name(parts)


def alternative_names(inputs: Mapping[str, Any]) -> list[x509.GeneralName]:
    """Return DNS names, addresses and URIs, in that order; raises Failure for what cannot be written."""
    return [
        *(_text(x509.DNSName, name, "DNS name") for name in inputs.get("dnsNames") or ()),
        *(_address(text) for text in inputs.get("ipAddresses") or ()),
        *(_text(x509.UniformResourceIdentifier, uri, "URI") for uri in inputs.get("uris") or ()),
    ]


def requested_names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    """Return the alternative names that a certificate takes over from a request."""
    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    kinds: Sequence[type[x509.GeneralName]] = (x509.DNSName, x509.IPAddress, x509.UniformResourceIdentifier)
    return [name for kind in kinds for name in names if isinstance(name, kind)]


def _address(text: str) -> x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError as error:
        raise Failure(f"Invalid IP address: Failed to parse {json.dumps(text)}") from error


def _text(
    kind: type[x509.DNSName] | type[x509.UniformResourceIdentifier], value: str, what: str
) -> x509.GeneralName:
    try:
        return kind(value)
    except ValueError as error:
        raise Failure(f"Invalid {what}: Failed to parse {json.dumps(value)}: {error}") from error
