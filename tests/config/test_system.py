"""The settings of an operating system, as a stack file gives them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from config import ConfigurationError, Node, load
from tests.config.injections import sound

DAY = datetime.datetime(2026, 1, 1)
KEY = ec.generate_private_key(ec.SECP256R1())


def node(**settings: Any) -> Node:
    """A worker with these settings."""
    raw = sound()
    raw["nodes"]["w-1"] |= settings
    return load(raw, stack="test").nodes["w-1"]


def certificate(*, authority: bool) -> str:
    """A certificate in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "corp")])
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 1, DAY, DAY + datetime.timedelta(days=1))
    basic = x509.BasicConstraints(ca=authority, path_length=None)
    signed = builder.add_extension(basic, critical=True).sign(KEY, SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


def test_a_machine_that_says_nothing_is_left_alone() -> None:
    """Every setting is absent until it is written."""
    one = node()
    assert not (one.users or one.sshd or one.locale or one.certificates or one.disabled_services)
    assert (one.timezone, one.keyboard, one.upgrades, one.logs) == (None, None, None, None)


def test_words_of_yaml_are_words_of_sshd() -> None:
    """An unquoted no is a no, a number is a number, and names are found in any case."""
    given = {"permitrootlogin": False, "MaxAuthTries": 3, "PasswordAuthentication": True}
    wanted = {"PermitRootLogin": "no", "MaxAuthTries": "3", "PasswordAuthentication": "yes"}
    assert node(sshd=given).sshd == wanted


def test_services_may_be_written_short() -> None:
    """A unit without its suffix is a service."""
    one = node(disabled_services=["bluetooth", "hciuart.service", "apt-daily.timer"])
    assert one.disabled_services == ("bluetooth.service", "hciuart.service", "apt-daily.timer")


def test_an_authority_is_taken() -> None:
    """With one line's end, however the text ended."""
    pem = certificate(authority=True)
    assert node(certificates={"corp": f"\n{pem}\n\n"}).certificates == {"corp": pem}


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        (certificate(authority=False), "Take the CA's"),
        (certificate(authority=True) * 2, "one certificate"),
        ("-----BEGIN CERTIFICATE-----\nhelicon\n-----END CERTIFICATE-----\n", "one certificate in PEM"),
        ("-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n", "no key material"),
    ],
    ids=["server", "two", "broken", "key"],
)
def test_what_is_no_authority_is_a_problem(pem: str, says: str) -> None:
    """With its path, and what to take instead; a private key is not repeated."""
    with pytest.raises(ConfigurationError, match=r"nodes.w-1.certificates.corp: ") as error:
        node(certificates={"corp": pem})
    assert says in str(error.value)
    assert "hush" not in str(error.value)
