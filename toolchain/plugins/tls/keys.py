"""Private keys: making them, reading them, and every form in which the `tls` resources show them."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from toolchain.plugins.protocol import Failure

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
CURVES: dict[str, ec.EllipticCurve] = {
    "P224": ec.SECP224R1(),
    "P256": ec.SECP256R1(),
    "P384": ec.SECP384R1(),
    "P521": ec.SECP521R1(),
}
RSA_EXPONENT = 65537
_PREAMBLE = re.compile(r"-----BEGIN ([^\n-]+)-----\n.*?-----END \1-----", re.DOTALL)
_PRIVATE = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
_OTHER = ("PUBLIC KEY", "CERTIFICATE", "CERTIFICATE REQUEST")
_PEM = serialization.Encoding.PEM
_DER = serialization.Encoding.DER
_SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
_PLAIN = serialization.NoEncryption()


def generate(algorithm: str, rsa_bits: int, curve: str) -> PrivateKey:
    """Make a key; raises Failure for a size that cannot be made."""
    try:
        if algorithm == "RSA":
            return rsa.generate_private_key(RSA_EXPONENT, rsa_bits)
        if algorithm == "ECDSA":
            return ec.generate_private_key(CURVES[curve])
        return ed25519.Ed25519PrivateKey.generate()
    except ValueError as error:
        raise Failure(f"Unable to generate Key from configuration: {error}") from error


def algorithm_of(key: PrivateKey) -> str:
    """Return RSA, ECDSA or ED25519."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA"
    return "ECDSA" if isinstance(key, ec.EllipticCurvePrivateKey) else "ED25519"


def parse(pem: str, what: str) -> PrivateKey:
    """Read a key in PKCS#1, SEC 1 or PKCS#8; raises Failure in the official plugin's words."""
    try:
        return _parse(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Failure(f"Failed to parse {what} PEM: {error}") from error


def preamble_of(pem: str) -> str:
    """Return the kind of the first PEM block, empty when there is none."""
    found = _PREAMBLE.search(pem)
    return found[1] if found else ""


def _parse(pem: str) -> PrivateKey:
    preamble = preamble_of(pem)
    if not preamble:
        size = len(pem.encode())
        raise ValueError(f"failed to decode PEM block: decoded bytes 0, undecoded {size}")
    if preamble in _OTHER:
        raise ValueError(f"unable to determine parser for PEM preamble: {preamble}")
    if preamble not in _PRIVATE:
        raise ValueError(f"unsupported PEM preamble/type: {preamble}")
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"failed to parse private key given PEM preamble '{preamble}': {error}") from error
    if not isinstance(key, PrivateKey):
        raise ValueError(f"unsupported private key type: {type(key).__name__}")
    return key


def shown(key: PrivateKey) -> dict[str, Any]:
    """Return the computed properties of a private key."""
    private = {"privateKeyPem": _traditional(key), "privateKeyPemPkcs8": _pkcs8(key)}
    return {**private, "privateKeyOpenssh": _openssh(key), **_public(key.public_key())}


def checksum(data: bytes) -> str:
    """Return the hexadecimal SHA-1 that serves as an id of keys and requests."""
    return hashlib.sha1(data.strip()).hexdigest()


def _traditional(key: PrivateKey) -> str:
    """Return PKCS#1 for RSA, SEC 1 for ECDSA; Ed25519 has PKCS#8 only."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return _pkcs8(key)
    return key.private_bytes(_PEM, serialization.PrivateFormat.TraditionalOpenSSL, _PLAIN).decode()


def _pkcs8(key: PrivateKey) -> str:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, _PLAIN).decode()


def _in_openssh(key: PrivateKey | PublicKey) -> bool:
    """Whether OpenSSH has the key's type: it lacks the curve P-224."""
    if not isinstance(key, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)):
        return True
    return not isinstance(key.curve, ec.SECP224R1)


def _openssh(key: PrivateKey) -> str:
    if not _in_openssh(key):
        return ""
    return key.private_bytes(_PEM, serialization.PrivateFormat.OpenSSH, _PLAIN).decode()


def _public(key: PublicKey) -> dict[str, Any]:
    blob = b""
    if _in_openssh(key):
        blob = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return {
        "id": checksum(key.public_bytes(_DER, _SPKI)),
        "publicKeyPem": key.public_bytes(_PEM, _SPKI).decode(),
        "publicKeyOpenssh": f"{blob.decode()}\n" if blob else "",
        "publicKeyFingerprintMd5": _md5(blob),
        "publicKeyFingerprintSha256": _sha256(blob),
    }


def _md5(blob: bytes) -> str:
    digest = hashlib.md5(base64.b64decode(blob.split()[1])).digest() if blob else b""
    return ":".join(f"{byte:02x}" for byte in digest)


def _sha256(blob: bytes) -> str:
    if not blob:
        return ""
    digest = hashlib.sha256(base64.b64decode(blob.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def signature_hash(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """Return the digest that goes with the key's strength; Ed25519 has its own."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size > 384:
        return hashes.SHA512()
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size > 256:
        return hashes.SHA384()
    return hashes.SHA256()
