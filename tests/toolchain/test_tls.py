"""Our own tls plugin against the recordings of the official one, and where these say nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
from cryptography.x509.verification import PolicyBuilder, Store
from google.protobuf import json_format, struct_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.toolchain import replay
from tests.toolchain.replay import Recorded, recorded
from toolchain.plugins.protocol import UNKNOWN, Engine, decode, encode, revealed
from toolchain.plugins.tls import keys
from toolchain.plugins.tls.plugin import TlsPlugin
from toolchain.plugins.tls.schema import KINDS, USES

RECORDED_AT = datetime(2026, 11, 21, 3, 54, tzinfo=UTC)
"""Shortly after the recording: all certificates in it are as old as they were then."""
KEY, REQUEST = "tls:index/privateKey:PrivateKey", "tls:index/certRequest:CertRequest"
SELF, LOCAL = "tls:index/selfSignedCert:SelfSignedCert", "tls:index/locallySignedCert:LocallySignedCert"
METHODS = ("GetPluginInfo", "CheckConfig", "DiffConfig", "Configure", "Check", "Diff", "Create", "Read",
           "Update", "Delete")  # fmt: skip
RANDOM_METHODS = {"Create"}
"""Only what is created differs from time to time; all other answers must be the recorded ones."""


def plugin(at: datetime = RECORDED_AT) -> TlsPlugin:
    """The plugin as it would have run during the recording, or at another time."""
    return TlsPlugin(Engine(""), "5.5.1", lambda: at)


def ask(method: str, token: str, at: datetime = RECORDED_AT, **request: Any) -> replay.Answer:
    """Ask for a resource named x; properties are given as Python values."""
    wired = {key: _json(value) if isinstance(value, dict) else value for key, value in request.items()}
    return replay.ask(plugin(at), method, {"urn": f"urn:pulumi:s::p::{token}::x", "name": "x", **wired})


def _json(values: dict[str, Any]) -> Any:
    return json_format.MessageToDict(encode(values))


def values(answer: replay.Answer, key: str = "properties") -> dict[str, Any]:
    """The properties of an answer as Python values, secrets opened."""
    assert not answer.error
    struct = json_format.ParseDict(answer.response[key], struct_pb2.Struct())
    return dict(revealed(decode(struct)))


def create(token: str, at: datetime = RECORDED_AT, **inputs: Any) -> dict[str, Any]:
    """Make a resource; its properties."""
    return values(ask("Create", token, at, properties=inputs))


@pytest.fixture(scope="module")
def key() -> str:
    """An elliptic key: making one takes no time."""
    return str(create(KEY, algorithm="ECDSA", ecdsaCurve="P256")["privateKeyPem"])


@pytest.fixture(scope="module")
def authority(key: str) -> dict[str, Any]:
    """A CA of that key."""
    return create(
        SELF, privateKeyPem=key, isCaCertificate=True, subject={"commonName": "ca"}, validityPeriodHours=8760,
        allowedUses=["cert_signing"],
    )  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_every_recorded_call_is_answered_as_the_official_plugin_did(method: str) -> None:
    """All calls of the recording; none of a method may be missing."""
    calls = [call for call in recorded("tls") if call.method == method]
    assert calls
    for call in calls:
        answer = replay.replay(plugin(), call)
        assert replay.same(call, answer, exact=method not in RANDOM_METHODS), replay.explain(call, answer)


def test_a_state_of_the_official_plugin_shows_no_change() -> None:
    """Each resource in the recorded state, compared with its own inputs."""
    resources = [one for one in replay.state("tls")["deployment"]["resources"] if one["type"] in KINDS]
    assert len(resources) == 6
    for one in resources:
        request = {"urn": one["urn"], "olds": _plain(one["outputs"]), "news": _plain(one["inputs"])}
        answer = replay.ask(plugin(), "Diff", request)
        assert answer.response == {"changes": "DIFF_NONE"}, one["urn"]


def _plain(exported: Any) -> Any:
    """A value of an exported state without its marks of secrecy."""
    if isinstance(exported, dict) and "plaintext" in exported:
        return _plain(json.loads(exported["plaintext"]))
    if isinstance(exported, dict):
        return {name: _plain(inner) for name, inner in exported.items()}
    return [_plain(inner) for inner in exported] if isinstance(exported, list) else exported


def certificates() -> list[Recorded]:
    """The recorded calls that made a certificate."""
    made = [call for call in recorded("tls") if call.method == "Create" and not call.request.get("preview")]
    return [call for call in made if "certPem" in call.response.get("properties", {})]


@pytest.mark.parametrize("call", certificates(), ids=lambda call: f"{call.step}-{call.request['name']}")
def test_a_certificate_says_what_the_official_plugin_wrote(call: Recorded) -> None:
    """Made from the recorded request at the recorded time, all but serial number and signature is the same."""
    properties = call.response["properties"]
    at = datetime.fromisoformat(properties["validityStartTime"])
    answer = replay.replay(plugin(at), call)
    expected = x509.load_pem_x509_certificate(properties["certPem"].encode())
    found = x509.load_pem_x509_certificate(answer.response["properties"]["certPem"].encode())
    assert list(found.extensions) == list(expected.extensions)
    assert found.subject.rfc4514_string() == expected.subject.rfc4514_string()
    assert found.issuer == expected.issuer or found.issuer == found.subject
    assert found.public_key() == expected.public_key()
    assert found.signature_algorithm_oid == expected.signature_algorithm_oid
    assert (found.not_valid_before_utc, found.not_valid_after_utc) == (
        expected.not_valid_before_utc, expected.not_valid_after_utc,
    )  # fmt: skip
    assert str(found.serial_number) == answer.response["id"]


def test_a_request_says_what_the_official_plugin_wrote() -> None:
    """Subject, alternative names, key and signature algorithm of the recorded requests."""
    made = [call for call in recorded("tls") if call.method == "Create" and call.response.get("id")]
    compared = 0
    for call in [one for one in made if one.request["type"] == REQUEST]:
        answer = replay.replay(plugin(), call)
        expected, found = (
            x509.load_pem_x509_csr(response["properties"]["certRequestPem"].encode())
            for response in (call.response, answer.response)
        )
        assert found.is_signature_valid
        assert list(found.extensions) == list(expected.extensions)
        assert found.subject.rfc4514_string() == expected.subject.rfc4514_string()
        assert found.public_key() == expected.public_key()
        compared += 1
    assert compared == 2


def test_a_key_is_shown_as_the_official_plugin_shows_it() -> None:
    """RSA, ECDSA and Ed25519: every form but the private OpenSSH one, which holds random bytes, is the same."""
    made = [call for call in recorded("tls") if call.method == "Create" and call.response.get("id")]
    pairs = [call.response["properties"] for call in made if call.request["type"] == KEY]
    assert {one["algorithm"] for one in pairs} == {"RSA", "ECDSA", "ED25519"}
    for expected in pairs:
        private = expected["privateKeyPem"]["value"]
        found = keys.shown(keys.parse(private, "private key"))
        assert found.pop("privateKeyPem") == private
        assert found.pop("privateKeyPemPkcs8") == expected["privateKeyPemPkcs8"]["value"]
        openssh = load_ssh_private_key(found.pop("privateKeyOpenssh").encode(), None)
        theirs = load_ssh_private_key(expected["privateKeyOpenssh"]["value"].encode(), None)
        assert openssh.public_key() == theirs.public_key()
        assert found == {name: expected[name] for name in found}


def test_a_made_chain_verifies(key: str, authority: dict[str, Any]) -> None:
    """A server certificate of a made authority passes a strict verification of its name and address."""
    request = create(REQUEST, privateKeyPem=key, dnsNames=["api.example"], subject={"commonName": "api"})
    leaf = create(
        LOCAL, caCertPem=authority["certPem"], caPrivateKeyPem=key, certRequestPem=request["certRequestPem"],
        validityPeriodHours=24, allowedUses=["digital_signature", "server_auth"],
    )  # fmt: skip
    trusted = Store([x509.load_pem_x509_certificate(authority["certPem"].encode())])
    builder = PolicyBuilder().store(trusted).time(RECORDED_AT + timedelta(hours=1))
    chain = builder.build_server_verifier(x509.DNSName("api.example")).verify(
        x509.load_pem_x509_certificate(leaf["certPem"].encode()), []
    )
    assert len(chain) == 2


def test_a_curve_without_openssh_form_leaves_it_empty() -> None:
    """P-224, the default curve, has no OpenSSH name."""
    made = create(KEY, algorithm="ECDSA")
    loaded = keys.parse(made["privateKeyPem"], "private key")
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    assert loaded.curve.name == "secp224r1"
    forms = ("privateKeyOpenssh", "publicKeyOpenssh", "publicKeyFingerprintMd5", "publicKeyFingerprintSha256")
    assert {made[form] for form in forms} == {""}


@pytest.mark.parametrize(("curve", "digest"), [("P256", "sha256"), ("P384", "sha384"), ("P521", "sha512")])
def test_the_digest_fits_the_curve(curve: str, digest: str) -> None:
    """A stronger key signs with a longer digest."""
    made = create(KEY, algorithm="ECDSA", ecdsaCurve=curve)
    request = create(REQUEST, privateKeyPem=made["privateKeyPem"], subject={"commonName": "x"})
    algorithm = x509.load_pem_x509_csr(request["certRequestPem"].encode()).signature_hash_algorithm
    assert algorithm is not None
    assert algorithm.name == digest


def test_the_whole_subject_is_written_in_order(key: str) -> None:
    """All ten parts, several streets in one, as the official plugin orders them."""
    subject = {
        "commonName": "cn", "serialNumber": "7", "country": "CH", "organization": "o", "emailAddress": "a@b.c",
        "organizationalUnit": "ou", "locality": "l", "province": "st", "postalCode": "8000",
        "streetAddresses": ["a", "b"],
    }  # fmt: skip
    made = create(REQUEST, privateKeyPem=key, subject=subject)
    parsed = x509.load_pem_x509_csr(made["certRequestPem"].encode()).subject
    assert [[part.value for part in one] for one in parsed.rdns][:5] == [["CH"], ["o"], ["ou"], ["l"], ["st"]]
    assert [sorted(str(part.value) for part in one) for one in parsed.rdns][5:] == [
        ["a", "b"], ["8000"], ["cn"], ["7"], ["a@b.c"],
    ]  # fmt: skip
    delta = made["__pulumi_raw_state_delta"]["obj"]["ps"]["subject"]["plu"]["i"]["obj"]
    assert delta == {"ps": {"streetAddresses": {"arr": {}}}, "renamed": {"streetAddresses": "street_address"}}


def test_identifiers_link_a_certificate_to_its_authority(key: str, authority: dict[str, Any]) -> None:
    """A CA has a subject key identifier, what it signs names it, and a self-signed one does where asked."""
    ca = x509.load_pem_x509_certificate(authority["certPem"].encode())
    own = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    asked = create(
        SELF, privateKeyPem=key, setSubjectKeyId=True, setAuthorityKeyId=True, validityPeriodHours=1,
        allowedUses=[], subject={"commonName": "x"},
    )  # fmt: skip
    parsed = x509.load_pem_x509_certificate(asked["certPem"].encode())
    found = parsed.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert found.key_identifier == own
    with pytest.raises(x509.ExtensionNotFound):
        ca.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)


@pytest.mark.parametrize(
    ("authority_too", "length", "written"), [(True, 1, 1), (True, 0, None), (False, 3, None)]
)
def test_the_path_length_is_a_cas_alone(
    key: str, authority_too: bool, length: int, written: int | None
) -> None:
    """Elsewhere it is ignored, and 0 means none, both as with the official plugin; the state keeps it."""
    made = create(
        SELF, privateKeyPem=key, isCaCertificate=authority_too, maxPathLength=length, validityPeriodHours=1,
        allowedUses=[], subject={"commonName": "x"},
    )  # fmt: skip
    parsed = x509.load_pem_x509_certificate(made["certPem"].encode())
    constraints = parsed.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (authority_too, written)
    assert made["maxPathLength"] == length


@pytest.mark.parametrize(("hours", "due"), [(0, False), (8759, False), (8761, True)])
def test_a_preview_replaces_a_certificate_once_its_renewal_is_due(
    authority: dict[str, Any], key: str, hours: int, due: bool
) -> None:
    """No refresh is needed: the difference itself looks at the clock."""
    inputs = {
        name: authority[name] for name in ("privateKeyPem", "subject", "isCaCertificate", "allowedUses")
    }
    inputs["validityPeriodHours"] = 8760
    later = RECORDED_AT + timedelta(hours=hours)
    answer = ask("Diff", SELF, later, olds=authority, news=inputs).response
    assert answer == (
        {"changes": "DIFF_SOME", "diffs": ["readyForRenewal"], "replaces": ["readyForRenewal"]}
        if due
        else {"changes": "DIFF_NONE"}
    )
    ready = values(ask("Read", SELF, later, id="1", properties=authority, inputs=inputs))["readyForRenewal"]
    assert ready is due
    ignored = ask(
        "Diff", SELF, later, olds=authority, news=inputs, ignoreChanges=["readyForRenewal"]
    ).response
    assert ignored == {"changes": "DIFF_NONE"}


CHANGES: list[tuple[str, Any, bool]] = [
    ("validityPeriodHours", 2, True), ("earlyRenewalHours", 3, False), ("isCaCertificate", False, True),
    ("allowedUses", ["crl_signing"], True), ("subject", {"commonName": "other"}, True), ("uris", ["a:b"], True),
    ("dnsNames", [UNKNOWN], True), ("maxPathLength", 2, True), ("setSubjectKeyId", True, True),
    ("privateKeyPem", UNKNOWN, True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "replaces"), CHANGES, ids=[name for name, _, _ in CHANGES])
def test_a_changed_property_is_named_and_replaces_or_not(
    authority: dict[str, Any], name: str, value: Any, replaces: bool
) -> None:
    """All but the hours of early renewal make another certificate."""
    inputs = {one.name: authority[one.name] for one in KINDS[SELF].inputs if one.name in authority}
    answer = ask("Diff", SELF, olds=authority, news={**inputs, name: value}).response
    assert answer["diffs"] == [name]
    assert answer.get("replaces", []) == ([name] if replaces else [])


def test_an_unset_path_length_keeps_what_is_there(authority: dict[str, Any]) -> None:
    """The resource settles it, so nothing given is no change, also in an update."""
    inputs = {one.name: authority[one.name] for one in KINDS[SELF].inputs if one.name in authority}
    there = {**authority, "maxPathLength": 2}
    assert ask("Diff", SELF, olds=there, news=inputs).response == {"changes": "DIFF_NONE"}
    assert (
        values(ask("Update", SELF, olds=there, news={**inputs, "earlyRenewalHours": 5}))["maxPathLength"] == 2
    )


INPUTS = st.fixed_dictionaries(
    {},
    optional={
        "privateKeyPem": st.just(UNKNOWN), "dnsNames": st.lists(st.sampled_from(["a.b", UNKNOWN]), max_size=2),
        "subject": st.just(UNKNOWN) | st.just({"commonName": UNKNOWN}), "allowedUses": st.just(UNKNOWN),
        "validityPeriodHours": st.just(UNKNOWN) | st.integers(0, 9), "isCaCertificate": st.just(UNKNOWN),
        "earlyRenewalHours": st.just(UNKNOWN) | st.integers(0, 9), "maxPathLength": st.just(UNKNOWN),
    },
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=INPUTS)
def test_unknown_inputs_never_raise(authority: dict[str, Any], inputs: dict[str, Any]) -> None:
    """Check, preview of creation and update, and the difference take any mix of unknowns."""
    assert not ask("Check", SELF, news=inputs).error
    complete = {"validityPeriodHours": UNKNOWN, **inputs}
    assert not ask("Create", SELF, properties=complete, preview=True).error
    assert not ask("Diff", SELF, olds=authority, news=complete).error
    assert not ask("Update", SELF, olds=authority, news=complete, preview=True).error


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    inputs=st.fixed_dictionaries(
        {"validityPeriodHours": st.integers(5, 99), "subject": st.just({"commonName": "x"})},
        optional={
            "allowedUses": st.lists(
                st.sampled_from([use for use in USES if use != "encipher_only"][:9]), max_size=3
            ),
            "dnsNames": st.lists(st.just("a.b"), max_size=2),
            "ipAddresses": st.just(["10.0.0.1", "::1"]),
            "uris": st.just(["spiffe://a/b"]),
            "earlyRenewalHours": st.integers(0, 4),
            "isCaCertificate": st.booleans(),
            "maxPathLength": st.integers(-1, 3),
            "setSubjectKeyId": st.booleans(),
        },
    )
)
def test_the_difference_of_what_was_just_made_is_empty(key: str, inputs: dict[str, Any]) -> None:
    """Whatever was given, nothing changes; a refresh changes nothing either."""
    given_inputs = {"allowedUses": [], **inputs, "privateKeyPem": key}
    given_inputs["allowedUses"] = [use for use in given_inputs["allowedUses"] if use != "decipher_only"]
    made = create(SELF, **given_inputs)
    assert ask("Diff", SELF, olds=made, news=given_inputs).response == {"changes": "DIFF_NONE"}
    assert values(ask("Read", SELF, id=made["id"], properties=made, inputs=given_inputs)) == made


FAILURES: list[tuple[str, dict[str, Any], str]] = [
    (KEY, {}, 'Missing required argument. The argument "algorithm" is required, but no definition was found. '
              "Examine values at 'x.algorithm'."),
    (KEY, {"algorithm": "ECDSA", "ecdsaCurve": "P1"}, "Invalid Attribute Value Match. Attribute ecdsa_curve "
     'value must be one of: ["P224" "P256" "P384" "P521"], got: "P1". Examine values at \'x.ecdsaCurve\'.'),
    (KEY, {"algorithm": "RSA", "rsaBits": "many"}, "Attribute rsa_bits must be integer"),
    (LOCAL, {"caCertPem": "a", "caPrivateKeyPem": "b", "certRequestPem": "c", "validityPeriodHours": -1,
             "allowedUses": []}, "Attribute validity_period_hours value must be at least 0, got: -1."),
    (LOCAL, {"caCertPem": "a", "caPrivateKeyPem": "b", "certRequestPem": "c", "validityPeriodHours": 1,
             "allowedUses": ["flying"]}, "Examine values at 'x.allowedUses[0]'."),
    (REQUEST, {"privateKeyPem": "a", "privateKeyPemWo": "b"}, "`pulumi plugin install resource tls`"),
    (REQUEST, {"privateKeyPem": "a", "subject": {"nickname": "b"}}, "Examine values at 'x.subject.nickname'."),
]  # fmt: skip


@pytest.mark.parametrize(("token", "inputs", "expected"), FAILURES, ids=range(len(FAILURES)))
def test_wrong_inputs_are_failures_of_the_check(token: str, inputs: dict[str, Any], expected: str) -> None:
    """One reason for each, in the recorded form, with the place to look at."""
    failures = ask("Check", token, news=inputs).response["failures"]
    assert len(failures) == 1
    assert expected in failures[0]["reason"]


PUBLIC = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
BROKEN = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"
REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    (REQUEST, {"privateKeyPem": PUBLIC}, "unable to determine parser for PEM preamble: PUBLIC KEY"),
    (REQUEST, {"privateKeyPem": BROKEN}, "failed to parse private key given PEM preamble 'EC PRIVATE KEY'"),
    (REQUEST, {"ipAddresses": ["10.0.0.300"]}, 'Invalid IP address: Failed to parse "10.0.0.300"'),
    (SELF, {"isCaCertificate": True, "subject": None}, "Must contain at least one Distinguished Name"),
    (SELF, {"setAuthorityKeyId": True}, "Could not determine Authority Key Identifier"),
    (LOCAL, {"caCertPem": PUBLIC}, 'expected "CERTIFICATE", got "PUBLIC KEY"'),
    (LOCAL, {"certRequestPem": "x"}, 'failed to decode PEM of expected type "CERTIFICATE REQUEST" from bytes'),
]  # fmt: skip


@pytest.mark.parametrize(("token", "inputs", "expected"), REFUSALS, ids=[text for _, _, text in REFUSALS])
def test_what_cannot_be_made_says_why(
    token: str, inputs: dict[str, Any], expected: str, key: str, authority: dict[str, Any]
) -> None:
    """Errors of creation, in the official plugin's words."""
    request = create(REQUEST, privateKeyPem=key)
    complete = {
        "privateKeyPem": key, "validityPeriodHours": 1, "allowedUses": [], "subject": {"commonName": "x"},
        "caCertPem": authority["certPem"], "caPrivateKeyPem": key, "certRequestPem": request["certRequestPem"],
    }  # fmt: skip
    answer = ask("Create", token, properties={**complete, **inputs})
    assert answer.error.startswith("rpc error: code = Unknown desc = ")
    assert expected in answer.error


def test_another_authoritys_key_is_refused(key: str, authority: dict[str, Any]) -> None:
    """A certificate that nobody could verify is not made."""
    other = create(KEY, algorithm="ED25519")["privateKeyPem"]
    request = create(REQUEST, privateKeyPem=other)["certRequestPem"]
    answer = ask(
        "Create", LOCAL,
        properties={"caCertPem": authority["certPem"], "caPrivateKeyPem": other, "certRequestPem": request,
                    "validityPeriodHours": 1, "allowedUses": []},
    )  # fmt: skip
    assert "provided PrivateKey doesn't match parent's PublicKey" in answer.error


def test_an_ed25519_key_signs_and_is_identified(key: str) -> None:
    """Such keys have no digest of their own choice, and a request of one verifies."""
    other = create(KEY, algorithm="ED25519")["privateKeyPem"]
    made = create(
        SELF, privateKeyPem=other, isCaCertificate=True, validityPeriodHours=1, allowedUses=[],
        subject={"commonName": "x"},
    )  # fmt: skip
    parsed = x509.load_pem_x509_certificate(made["certPem"].encode())
    parsed.verify_directly_issued_by(parsed)
    assert made["keyAlgorithm"] == "ED25519"
    raw = parsed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert len(raw) == 32


def test_an_import_names_the_official_plugin() -> None:
    """Reading something that is in no state is not covered."""
    assert "pulumi plugin install resource tls v5.5.1" in ask("Read", KEY, id="x").error
