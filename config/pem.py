"""Certificates in a stack file."""

from __future__ import annotations

from cryptography import x509

from config.scalars import wrong


def certificate_of_authority(value: str) -> str:
    """The text of a CA's certificate, which ends in one newline."""
    try:
        (certificate,) = x509.load_pem_x509_certificates(value.encode())
    except ValueError as error:
        count = value.count("-----BEGIN CERTIFICATE-----")
        hint = "Give each a name of its own." if count > 1 else f"OpenSSL's word: {str(error)[:60]}"
        raise wrong("one certificate in PEM", hint) from None
    if not _is_authority(certificate):
        raise wrong(
            "the certificate of an authority (CA:TRUE)", "Take the CA's, not one that it signed for a server."
        )
    return value.strip() + "\n"


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return certificate.version is x509.Version.v1
    except ValueError:
        return False
