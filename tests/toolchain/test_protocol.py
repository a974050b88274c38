"""The base of our own plugins: values on the wire, errors, and the process that the engine starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import grpc
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from tests.toolchain import engine
from toolchain.plugins import install
from toolchain.plugins.protocol import (
    UNKNOWN,
    Engine,
    Failure,
    Plugin,
    Secret,
    decode,
    encode,
    has_unknown,
    partial_failure,
    revealed,
    start,
    type_of,
)
from toolchain.plugins.values import EXACT, OUTPUT, SECRET, SIGNATURE, UNKNOWN_TEXT

REPOSITORY = Path(__file__).parent.parent.parent
URN = "urn:pulumi:s::p::a:b:Parent$tls:index/privateKey:PrivateKey::x"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(
    lambda text: text != UNKNOWN_TEXT
)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: not number.is_integer() or abs(number) >= EXACT
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.just(UNKNOWN),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS.filter(lambda key: key != SIGNATURE), inner, max_size=3)
        | st.builds(Secret, inner)
    ),
    max_leaves=8,
)


def wire(value: Any) -> Any:
    """The JSON of one property value as it travels."""
    return json_format.MessageToDict(encode({"it": value}))["it"]


@given(VALUES)
def test_a_value_survives_the_wire(value: Any) -> None:
    """Secrets, unknowns, nulls, integers and nesting come back as they were."""
    back = decode(encode({"it": value}))["it"]
    assert back == value
    assert type(back) is type(value)


def test_a_missing_key_is_not_a_null() -> None:
    """Null is kept apart from nothing."""
    assert decode(encode({"there": None})) == {"there": None}
    assert decode(encode({})) == {}


def test_secrets_and_unknowns_are_written_as_the_engine_reads_them() -> None:
    """The signatures are those of the recordings."""
    assert wire(Secret("x")) == {SIGNATURE: SECRET, "value": "x"}
    assert wire(UNKNOWN) == "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def test_output_values_become_secrets_unknowns_or_plain_values() -> None:
    """An engine may send values with what they depend on."""
    struct = struct_pb2.Struct()
    struct.update(
        {
            "known": {SIGNATURE: OUTPUT, "value": 1},
            "secret": {SIGNATURE: OUTPUT, "value": "s", "secret": True},
            "unknown": {SIGNATURE: OUTPUT, "dependencies": ["urn"]},
        }
    )
    assert decode(struct) == {"known": 1, "secret": Secret("s"), "unknown": UNKNOWN}


def test_assets_stay_as_they_are() -> None:
    """A signature that is not ours to read is passed on."""
    asset = {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": "hello"}
    assert wire(decode(encode({"it": asset}))["it"]) == asset


def test_secrets_are_opened_at_every_depth_and_never_shown() -> None:
    """Opening reaches into lists and maps; the representation of a secret hides it."""
    value = {"a": [Secret({"b": Secret("hidden")})]}
    assert revealed(value) == {"a": [{"b": "hidden"}]}
    assert "hidden" not in repr(value)
    assert has_unknown({"a": [Secret([UNKNOWN])]})
    assert not has_unknown(value)


def test_what_is_no_property_value_is_refused() -> None:
    """A programming error does not become text."""
    with pytest.raises(TypeError, match="cannot be a set"):
        encode({"x": {1, 2}})


def test_the_type_of_a_child_is_its_own() -> None:
    """Parents in a URN are left out, colons in a name are kept."""
    assert type_of(URN) == "tls:index/privateKey:PrivateKey"
    assert type_of("urn:pulumi:s::p::a:b:C::name::with::colons") == "a:b:C"
    assert type_of("") == ""


class Faulty(Plugin):
    """A plugin whose resources fail in every way that there is."""

    name: ClassVar[str] = "tls"
    package: ClassVar[str] = "pulumi-tls"
    tokens: ClassVar[frozenset[str] | None] = frozenset({"tls:index/privateKey:PrivateKey"})

    def create(self, request: Any) -> Any:
        """Leave something half made."""
        raise partial_failure("not ready", "id-1", {"a": Secret(1)}, {"b": 2}, ["waiting"])

    def read(self, request: Any) -> Any:
        """Fail by mistake."""
        raise KeyError("surprise")


@contextmanager
def stub_of(port: int) -> Iterator[Any]:
    """A client of a plugin that listens on this port."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


@pytest.fixture(scope="module")
def faulty() -> Iterator[Any]:
    """A client of the faulty plugin, over real gRPC."""
    server, port = start(Faulty(Engine("")))
    with stub_of(port) as stub:
        yield stub
    server.stop(0).wait()


def test_a_half_made_resource_carries_what_exists(faulty: Any) -> None:
    """The engine gets the id, the properties and the reasons in the status' details."""
    with pytest.raises(grpc.RpcError) as caught:
        faulty.Create(provider_pb2.CreateRequest(urn=URN))
    assert caught.value.details() == "not ready"
    trailer = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    status, detail = status_pb2.Status.FromString(trailer), provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert (detail.id, list(detail.reasons)) == ("id-1", ["waiting"])
    assert (decode(detail.properties), decode(detail.inputs)) == ({"a": Secret(1)}, {"b": 2})


def test_a_mistake_in_a_plugin_names_itself(faulty: Any) -> None:
    """An exception nobody foresaw says which plugin and which call."""
    with pytest.raises(grpc.RpcError) as caught:
        faulty.Read(provider_pb2.ReadRequest(urn=URN))
    assert caught.value.details() == "tls plugin: Read: KeyError: 'surprise'"


@pytest.mark.parametrize("method", ["Handshake", "Attach", "Parameterize"])
def test_calls_that_the_official_plugins_lack_are_unimplemented(faulty: Any, method: str) -> None:
    """The engine then falls back to Configure."""
    request = {
        "Handshake": provider_pb2.ProviderHandshakeRequest,
        "Attach": empty_pb2.Empty,
        "Parameterize": provider_pb2.ParameterizeRequest,
    }[method]()
    with pytest.raises(grpc.RpcError) as caught:
        getattr(faulty, method)(request)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_what_is_not_covered_names_the_official_plugin() -> None:
    """The error says what to install, and in which version."""
    plugin = Faulty(Engine(""), "5.5.1")
    foreign = provider_pb2.CheckRequest(urn="urn:pulumi:s::p::tls:index/other:Other::x")
    with pytest.raises(Failure, match=r"resource tls v5\.5\.1") as caught:
        plugin.handle("Check", foreign)
    assert "the resource type tls:index/other:Other is not covered" in caught.value.message
    for method, request in {
        "Invoke": provider_pb2.InvokeRequest(tok="tls:index/getCertificate:getCertificate"),
        "Call": provider_pb2.CallRequest(tok="t"),
        "Construct": provider_pb2.ConstructRequest(type="t"),
        "GetSchema": provider_pb2.GetSchemaRequest(),
    }.items():
        with pytest.raises(Failure, match="only by the official one"):
            plugin.handle(method, request)


def test_messages_reach_the_engine_and_a_lost_engine_stops_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Severity, resource and the ephemeral mark arrive; without an engine the text goes to stderr."""
    with engine.listening() as (address, messages):
        Engine(address).log("WARNING", "look", URN)
        client = Engine(address)
        client.log("INFO", "passing", URN, ephemeral=True)
        assert messages.taken == [(2, "look", URN, False), (1, "passing", URN, True)]
    client.log("ERROR", "nobody listens")
    assert "nobody listens" in capfd.readouterr().err


def launchers(home: Path) -> list[Path]:
    """The programs that were put into a PULUMI_HOME."""
    return sorted((home / "plugins").glob("resource-*-v*/pulumi-resource-*"))


def test_an_installed_plugin_prints_its_port_answers_and_ends_with_the_engine(tmp_path: Path) -> None:
    """The launcher is started as the engine does it, from another directory; its parent's end is its own."""
    install.install(tmp_path, Path(sys.executable), REPOSITORY)
    program = next(path for path in launchers(tmp_path) if path.name == "pulumi-resource-tls")
    # the shell stands for the engine: it starts the plugin, and ends when its input does
    script = f"{program} 127.0.0.1:1 & read line; exit 0"
    parent = subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    port = int(parent.stdout.readline())
    with stub_of(port) as stub:
        version = stub.GetPluginInfo(empty_pb2.Empty()).version
        assert program.parent.name == f"resource-tls-v{version}"
    parent.stdin.close()
    parent.wait(10)
    # the end of the plugin's standard output is the end of the plugin
    assert parent.stdout.read() == ""


def test_installing_again_writes_nothing_and_never_replaces_the_official_plugin(tmp_path: Path) -> None:
    """Launchers that are right stay untouched, wrong ones are mended, a binary stays."""
    install.install(tmp_path, Path("/somewhere/python"), Path("/some where"))
    before = {path: path.stat().st_mtime_ns for path in launchers(tmp_path)}
    assert [path.name.removeprefix("pulumi-resource-") for path in before] == ["command", "kubernetes", "tls"]
    command, kubernetes, tls = before
    assert "PYTHONPATH='/some where'" in tls.read_text()
    kubernetes.write_bytes(b"\x7fELF official")
    command.write_text("#!/bin/sh\nold\n")
    lines = install.install(tmp_path, Path("/somewhere/python"), Path("/some where"))
    assert [line.rsplit(": ")[1] for line in lines] == [
        "is there",
        "the official one is there and stays",
        "installed",
    ]
    assert tls.stat().st_mtime_ns == before[tls]
    assert kubernetes.read_bytes() == b"\x7fELF official"
    assert "toolchain.plugins.command" in command.read_text()
    assert {path.stat().st_mode & 0o777 for path in (command, tls)} == {0o755}
    assert [path.name for path in tls.parent.iterdir()] == ["pulumi-resource-tls"]
