"""Keys and certificates as they are registered: generations of CAs, the user's own, and kubeconfigs."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pulumi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from pulumi.runtime import mocks

from components import certificate_properties, membership_properties, properties
from components.addons import metrics_settings
from components.authority import PKI, Authority, key_digest, subject_alternative_names
from components.sources import Internet
from config import Rack, load
from tests.config.injections import sound

PEM = "-----BEGIN PUBLIC KEY-----\naGVsaWNvbg==\n-----END PUBLIC KEY-----\n"
FIRST = [
    "authority-admin",
    "authority-apiserver",
    "authority-etcd-ca",
    "authority-front-proxy-ca",
    "authority-kubernetes-ca",
    "authority-service-account",
]
"""The keys of a rack that configures nothing; stacks in the world have these names."""


class Recorder(mocks.Mocks):
    """Certificates and keys are texts with the name of their resource."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], dict[str, Any]] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Record."""
        self.made[args.typ.rpartition(":")[2], args.name] = args.inputs
        texts = {"privateKeyPem": f"key {args.name}", "certPem": f"certificate {args.name}"}
        return args.name, {**args.inputs, **texts, "publicKeyPem": PEM, "certRequestPem": "request"}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Nothing is called."""
        raise AssertionError(args.token)

    def names(self, kind: str) -> list[str]:
        """The resources of a type."""
        return sorted(name for one, name in self.made if one == kind)


def rack(**authority: Any) -> Rack:
    """A small rack with these settings of its authority."""
    return load({**sound(), "authority": authority}, stack="test")


def register(one: Rack) -> tuple[Recorder, dict[str, Any]]:
    """What is registered, and what comes out; what is secret is wrapped in a list."""
    recorder, found = Recorder(), {}
    mocks.set_mocks(recorder, project="helicon", stack="test", preview=False)

    async def program() -> None:
        authority = Authority("authority", one)
        for name in ("pki", "ca_digest", "ca_bundle", "kubeconfig", "kubeconfigs"):
            output = getattr(authority, name)
            value = await output.future()
            found[name] = [value] if await output.is_secret() else value

    def run() -> pulumi.Output[None]:
        return pulumi.Output.from_input(asyncio.ensure_future(program()))

    pulumi.runtime.test(run)()  # type: ignore[no-untyped-call]
    return recorder, found


def test_a_rack_that_configures_nothing_keeps_its_certificates() -> None:
    """The first generation has the names that it always had."""
    recorder, found = register(rack())
    assert recorder.names("PrivateKey") == FIRST
    (files,) = found["pki"]
    assert files[f"{PKI}/ca.crt"] == files[f"{PKI}/signing.crt"] == "certificate authority-kubernetes-ca"
    assert recorder.made["SelfSignedCert", "authority-kubernetes-ca"]["subject"] == {
        "commonName": "kubernetes-ca"
    }


@pytest.mark.parametrize(
    ("generations", "bundle", "signer"),
    [
        ({"current": 1, "trusted": [1, 2]}, ["", "-2"], ""),
        ({"current": 2, "trusted": [1, 2]}, ["-2", ""], "-2"),
        ({"current": 2, "trusted": [2]}, ["-2"], "-2"),
    ],
)
def test_the_signing_generation_comes_first(
    generations: Mapping[str, Any], bundle: list[str], signer: str
) -> None:
    """In each step of a rotation, for kubeadm and the controller manager, which sign with the first."""
    recorder, found = register(rack(cas={"kubernetes": generations}))
    (files,) = found["pki"]
    certificates = [f"certificate authority-kubernetes-ca{one}" for one in bundle]
    assert files[f"{PKI}/ca.crt"].splitlines() == certificates
    assert found["ca_bundle"].splitlines() == certificates
    assert files[f"{PKI}/ca.key"] == f"key authority-kubernetes-ca{signer}"
    assert files[f"{PKI}/signing.crt"] == f"certificate authority-kubernetes-ca{signer}"
    for leaf in ("authority-apiserver", "authority-admin"):
        inputs = recorder.made["LocallySignedCert", leaf]
        assert inputs["caCertPem"] == f"certificate authority-kubernetes-ca{signer}", leaf
    trusted = json.loads(found["kubeconfig"][0])["clusters"][0]["cluster"]["certificate-authority-data"]
    assert base64.b64decode(trusted).decode() == files[f"{PKI}/ca.crt"]


def test_the_cas_rotate_one_by_one() -> None:
    """A second CA of etcd is none of Kubernetes."""
    recorder, _ = register(rack(cas={"etcd": {"trusted": [1, 2]}}))
    assert recorder.names("SelfSignedCert") == [
        "authority-etcd-ca",
        "authority-etcd-ca-2",
        "authority-front-proxy-ca",
        "authority-kubernetes-ca",
    ]


def test_further_users_have_kubeconfigs_of_their_own() -> None:
    """Named, in their group, as long as they are to be; secret."""
    users = {"alice": {"groups": ["viewers"], "validity_hours": 24}, "bob": {}}
    recorder, found = register(rack(kubeconfigs=users, kubeconfig_validity_hours=4000))
    (kubeconfigs,) = found["kubeconfigs"]
    assert sorted(kubeconfigs) == ["alice", "bob"]
    alice = recorder.made["CertRequest", "authority-user-alice"]
    assert alice["subject"] == {"commonName": "alice", "organization": "viewers"}
    hours = {
        name: (inputs["validityPeriodHours"], inputs["earlyRenewalHours"])
        for (kind, name), inputs in recorder.made.items()
        if kind == "LocallySignedCert"
    }
    # of a life shorter than usual the last third at most is for renewal
    assert hours == {
        "authority-apiserver": (8760, 720),
        "authority-admin": (4000, 720),
        "authority-user-alice": (24, 8),
        "authority-user-bob": (4000, 720),
    }
    user = json.loads(kubeconfigs["alice"])["users"][0]["user"]
    assert base64.b64decode(user["client-key-data"]) == b"key authority-user-alice"


def supply(directory: Path, *, signs: bool = True) -> dict[str, str]:
    """A CA in files."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=signs, path_length=None), critical=True)
    made = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    (directory / "ca.crt").write_bytes(made)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "ca.key").write_bytes(key.private_bytes(*form))
    return {"certificate": str(directory / "ca.crt"), "key": str(directory / "ca.key")}


def test_a_supplied_ca_signs(tmp_path: Path) -> None:
    """Nothing is generated in its place, and its key is a secret."""
    recorder, found = register(rack(supplied={"kubernetes": supply(tmp_path)}))
    assert "authority-kubernetes-ca" not in recorder.names("PrivateKey")
    key = (tmp_path / "ca.key").read_text()
    (files,) = found["pki"]
    assert files[f"{PKI}/ca.key"] == key
    certificate = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    public = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert load_pem_public_key(public) == certificate.public_key()
    assert found["ca_digest"] == key_digest(public.decode())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda place: (place / "ca.crt").unlink(), "a file that can be read"),
        (lambda place: (place / "ca.crt").write_text("x"), "one certificate of a CA"),
        (lambda place: supply(place, signs=False), "one that signs no others"),
        (lambda place: (place / "ca.key").write_text("x"), "an unencrypted private key"),
        (lambda place: _other_key(place), "the key of the certificate"),
    ],
)
def test_files_that_are_no_ca_are_named(tmp_path: Path, damage: Any, said: str) -> None:
    """Before anything is registered with them, and without what is in them."""
    one = rack(supplied={"etcd": supply(tmp_path)})
    damage(tmp_path)
    with pytest.raises(pulumi.RunError, match=f"authority.supplied.etcd.*{said}"):
        register(one)


def _other_key(place: Path) -> None:
    certificate = (place / "ca.crt").read_bytes()
    supply(place)
    (place / "ca.crt").write_bytes(certificate)


def test_every_zone_is_in_the_certificate() -> None:
    """Its endpoint, what that means, and its virtual address."""
    zones = {"dmz": {"endpoint": "dmz.example.test", "endpoint_address": "10.0.9.9"}}
    names, addresses = subject_alternative_names(load({**sound(), "zones": zones}, stack="test"))
    assert "dmz.example.test" in names
    assert "10.0.9.9" in addresses


def test_nodes_trust_what_a_rotated_rack_trusts() -> None:
    """Workers too; a rack whose first CA is the only one says nothing."""
    rotated = rack(cas={"kubernetes": {"trusted": [1, 2]}})
    node = rotated.control_planes()[0]
    assert certificate_properties.trusted_cas(rack(), node, "pem") == {}
    trusted = certificate_properties.trusted_cas(rotated, node, "pem")["trusted_cas"]
    assert set(trusted) > {"cluster-info", "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/admin.conf"}
    worker = node.model_copy(update={"roles": ("worker",)})
    found = certificate_properties.trusted_cas(rotated, worker, "pem")["trusted_cas"]
    assert sorted(found) == ["/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt"]


def test_kubeadm_hears_of_other_lifetimes() -> None:
    """And is told nothing where they are its own."""
    short = membership_properties.cluster_configuration(rack(validity_hours=2000))
    assert short["certificateValidityPeriod"] == "2000h0m0s"
    usual = membership_properties.cluster_configuration(rack())
    assert "certificateValidityPeriod" not in usual
    assert usual["controllerManager"]["extraArgs"]["cluster-signing-cert-file"] == f"{PKI}/signing.crt"


def test_signed_serving_certificates_are_asked_for_approved_and_checked() -> None:
    """By the kubelet, by the node's membership and by metrics-server; where nobody asks, nothing changes."""
    usual, signed = rack(), rack(kubelet_serving="signed")
    node = signed.nodes["w-1"]
    assert certificate_properties.kubelet_serving(usual, node) == {}
    assert certificate_properties.kubelet_config(usual) == {}
    found = certificate_properties.kubelet_serving(signed, node)["kubelet_serving"]
    assert (found["node"], found["address"]) == ("w-1", "10.0.0.21")
    assert properties.software(signed, node, Internet(signed))["kubelet_config"]["serverTLSBootstrap"] is True
    assert metrics_settings(usual).kubelet_insecure_tls
    assert not metrics_settings(signed).kubelet_insecure_tls
