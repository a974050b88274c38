"""The CAs of a cluster, each in the generations that are trusted: generated, or from the user's files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pulumi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from components.authority.issuing import CertificateAuthority, Issuer, key_digest
from config import ConfigurationError, Problem, Rack
from config.authority import CaName, SuppliedCa

PURPOSES: Mapping[CaName, str] = {
    "kubernetes": "kubernetes",
    "front_proxy": "front-proxy",
    "etcd": "etcd",
}
"""What a CA is called in names of resources and in its certificate."""


def authorities(issuer: Issuer, rack: Rack) -> dict[CaName, CertificateAuthority]:
    """All three, each with the bundle of what is trusted."""
    return {name: _authority(issuer, rack, name) for name in PURPOSES}


def _authority(issuer: Issuer, rack: Rack, name: CaName) -> CertificateAuthority:
    generations = rack.authority.cas.of(name).bundle()
    trusted = [_generation(issuer, rack, name, one) for one in generations]
    current = trusted[0]
    if len(trusted) == 1:
        return current
    bundle = pulumi.Output.all(*(one.certificate for one in trusted)).apply(joined)
    return CertificateAuthority(
        key=current.key, certificate=current.certificate, digest=current.digest, bundle=bundle
    )


def joined(certificates: list[str]) -> str:
    """PEM texts as one bundle, in order."""
    return "".join(one.rstrip("\n") + "\n" for one in certificates)


def _generation(issuer: Issuer, rack: Rack, name: CaName, generation: int) -> CertificateAuthority:
    supplied = rack.authority.supplied.get(name)
    if supplied is not None and supplied.generation == generation:
        return read(name, supplied)
    return issuer.authority(PURPOSES[name], generation)


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
