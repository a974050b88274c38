"""A kubeconfig leads to its cluster with its certificates, and leaves no key on disk."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.toolchain.kube_standin import discovery
from toolchain.plugins.kubernetes import configuration
from toolchain.plugins.kubernetes.session import Session

PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as text."""
        return self.certificate.public_bytes(PEM)

    @property
    def key_pem(self) -> bytes:
        """The key as text."""
        kind = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(PEM, kind, serialization.NoEncryption())


def identity(name: str, issuer: Identity | None = None) -> Identity:
    """A certificate for 127.0.0.1, signed by the issuer or, for an authority, by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    if issuer:
        builder = builder.add_extension(address, critical=False)
    return Identity(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


class Discovery(BaseHTTPRequestHandler):
    """Answers discovery and nothing else."""

    def do_GET(self) -> None:
        """Answer which kinds there are."""
        text = json.dumps(discovery(self.path)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def authority() -> Identity:
    """The cluster's authority."""
    return identity("authority")


@pytest.fixture(scope="module")
def address(authority: Identity, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that wants a client certificate of the authority."""
    work = tmp_path_factory.mktemp("tls")
    served = identity("server", authority)
    (work / "server.pem").write_bytes(served.certificate_pem + served.key_pem)
    (work / "authority.pem").write_bytes(authority.certificate_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(work / "server.pem")
    context.load_verify_locations(work / "authority.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = HTTPServer(("127.0.0.1", 0), Discovery)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def session(address: str, authority: Identity, client: Identity, **cluster: Any) -> Session:
    """A provider that is configured with certificates as data."""
    user = {"client-certificate-data": client.certificate_pem, "client-key-data": client.key_pem}
    config = {
        "clusters": [
            {"name": "c", "cluster": {"server": address, **(cluster or trusting(authority.certificate_pem))}}
        ],
        "users": [{"name": "u", "user": {key: encoded(value) for key, value in user.items()}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "mine"}}],
        "current-context": "x",
    }
    return Session(configuration.options({"kubernetes:config:kubeconfig": yaml.safe_dump(config)}))


def trusting(certificate: bytes) -> dict[str, str]:
    """A cluster's entry for its authority."""
    return {"certificate-authority-data": encoded(certificate)}


def encoded(value: bytes) -> str:
    """Bytes as a kubeconfig holds them."""
    return base64.b64encode(value).decode()


def test_certificates_in_the_kubeconfig_open_the_cluster(address: str, authority: Identity) -> None:
    """Authority, client certificate and key are used, and so is the context's namespace."""
    found = session(address, authority, identity("admin", authority))
    assert (found.reason, found.namespace) == ("", "mine")


def test_a_client_of_another_authority_is_refused(address: str, authority: Identity) -> None:
    """A certificate that the server does not trust means that the cluster cannot be reached."""
    assert session(address, authority, identity("admin", identity("other"))).unreachable


def test_a_server_of_another_authority_is_refused(address: str, authority: Identity) -> None:
    """A server that the kubeconfig does not trust gets no request."""
    client = identity("admin", authority)
    found = session(address, authority, client, **trusting(identity("other").certificate_pem))
    assert "certificate verify failed" in found.reason


def test_no_key_stays_on_disk(
    address: str, authority: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that is killed, as the engine does, leaves no private key behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(Path("/dev/shm").iterdir()) if Path("/dev/shm").is_dir() else set()
    session(address, authority, identity("admin", authority))
    assert list(tmp_path.iterdir()) == []
    after = set(Path("/dev/shm").iterdir()) if Path("/dev/shm").is_dir() else set()
    assert [path for path in after - before if path.is_dir()] == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("clusters: [}", "yaml: line 1"),
        ("just text", "expected a map"),
        ("current-context: nowhere", "expected an entry named 'nowhere'"),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_says_why(text: str, complaint: str) -> None:
    """The reason is kept for the operations that need the cluster."""
    found = Session(configuration.options({"kubernetes:config:kubeconfig": text}))
    assert complaint in found.reason
