"""A CA from the user's files, refused unless it is one and the key is its own."""

from __future__ import annotations

from pathlib import Path

import pulumi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from components.authority.issuing import CertificateAuthority, key_digest
from config import ConfigurationError, Problem
from config.authority import CaName, SuppliedCa


def read(name: CaName, supplied: SuppliedCa) -> CertificateAuthority:
    """The user's CA from its files; its key is a secret from here on."""
    certificate, key = _text(name, "certificate", supplied.certificate), _text(name, "key", supplied.key)
    digest = _checked(name, supplied, certificate, key)
    known = pulumi.Output.from_input(certificate)
    return CertificateAuthority(
        key=pulumi.Output.secret(key),
        certificate=known,
        digest=pulumi.Output.from_input(digest),
        bundle=known,
    )


def _text(name: CaName, part: str, path: str) -> str:
    try:
        return Path(path).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(name, part, "a file that can be read", f"{path}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return (error.strerror or "") if isinstance(error, OSError) else "no text"


def _checked(name: CaName, supplied: SuppliedCa, certificate: str, key: str) -> str:
    """The digest of a certificate that is a CA's and belongs to the key."""
    try:
        found = x509.load_pem_x509_certificates(certificate.encode())
    except ValueError:
        found = []
    if len(found) != 1 or not _signs(found[0]):
        what = f"{len(found)} certificates" if len(found) != 1 else "one that signs no others"
        raise _wrong(name, "certificate", "one certificate of a CA (PEM)", f"{supplied.certificate}: {what}")
    try:
        private = load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError):
        expected = "an unencrypted private key (PEM)"
        raise _wrong(name, "key", expected, f"{supplied.key}: something else") from None
    public = found[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) != public:
        raise _wrong(name, "key", "the key of the certificate", f"{supplied.key}: another key")
    return key_digest(public.decode())


def _signs(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _wrong(name: CaName, part: str, expected: str, found: str) -> pulumi.RunError:
    path = ("authority", "supplied", name, part)
    suggestion = "Name the files of the CA, readable by whoever runs pulumi."
    problem = Problem(path=path, expected=expected, found=found, suggestion=suggestion)
    return pulumi.RunError(str(ConfigurationError([problem], source="the files of authority.supplied")))
