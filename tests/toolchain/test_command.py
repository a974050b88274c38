"""Our own command plugin against the recordings of the official one, with a real OpenSSH server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from google.protobuf import empty_pb2, json_format
from hypothesis import given
from hypothesis import strategies as st

from tests.toolchain import engine, replay, sshd
from tests.toolchain.replay import Recorded, recorded
from toolchain.plugins.command import differences, inputs
from toolchain.plugins.command.plugin import CommandPlugin
from toolchain.plugins.protocol import UNKNOWN, Engine, Failure, Secret, encode

pytestmark = pytest.mark.slow

TOKEN = "command:remote:Command"
URN = f"urn:pulumi:s::p::{TOKEN}::x"
RECORDED_PORT, RECORDED_USER = 22322, "root"
QUIET_METHODS = ("GetPluginInfo", "CheckConfig", "DiffConfig", "Configure", "Check", "Diff", "Read")
RUNNING_METHODS = ("Create", "Update", "Delete")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sshd.Server]:
    """An OpenSSH server like that of the recording."""
    with sshd.running(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def plugin(address: str = "") -> CommandPlugin:
    """A plugin of the recorded version."""
    return CommandPlugin(Engine(address), "1.2.1")


def ask(asked: CommandPlugin, method: str, **request: Any) -> replay.Answer:
    """Ask for a resource named x; properties are given as Python values."""
    wired = {
        key: json_format.MessageToDict(encode(value)) if isinstance(value, dict) else value
        for key, value in request.items()
    }
    return replay.ask(asked, method, {"urn": URN, "name": "x", **wired})


def to(server: sshd.Server, **more: Any) -> dict[str, Any]:
    """The connection to a server, as a program gives it."""
    known = {"host": "127.0.0.1", "port": server.port, "user": server.user, "privateKey": server.private_key}
    return {**known, "dialErrorLimit": 0, **more}


def create(connection: dict[str, Any], command: str = "echo done", **more: Any) -> replay.Answer:
    """Run a command by creating a resource."""
    return ask(plugin(), "Create", properties={"connection": connection, "create": command, **more})


def stdout(answer: replay.Answer) -> str:
    """What a command wrote; fails where it failed."""
    assert not answer.error
    return str(answer.response["properties"]["stdout"])


def moved(call: Recorded, server: sshd.Server) -> Recorded:
    """The recorded call as if it had been recorded with our server and its key."""
    text = json.dumps([call.request, call.response])
    text = text.replace(json.dumps(recorded_key())[1:-1], json.dumps(server.private_key)[1:-1])
    text = text.replace(f'"port": {RECORDED_PORT}', f'"port": {server.port}')
    text = text.replace(f'"user": "{RECORDED_USER}"', f'"user": "{server.user}"')
    request, response = json.loads(text)
    return replace(call, request=request, response=response)


def recorded_key() -> str:
    """The private key that the recorded program logged in with."""
    first = next(call for call in recorded("command") if call.method == "Check")
    return str(first.request["news"]["connection"]["value"]["privateKey"])


@pytest.mark.parametrize("method", QUIET_METHODS)
def test_every_recorded_call_that_runs_nothing_is_answered_as_the_official_plugin_did(method: str) -> None:
    """All calls of the recording; none of a method may be missing."""
    calls = [call for call in recorded("command") if call.method == method]
    assert calls
    for call in calls:
        answer = replay.replay(plugin(), call)
        assert replay.same(call, answer), replay.explain(call, answer)


@pytest.mark.parametrize("method", RUNNING_METHODS)
def test_every_recorded_command_runs_and_ends_as_with_the_official_plugin(
    method: str, server: sshd.Server
) -> None:
    """Output, state and the text of every kind of error, on a server that accepts the same variables."""
    calls = [moved(call, server) for call in recorded("command") if call.method == method]
    assert calls
    for call in calls:
        answer = replay.replay(plugin(), call)
        assert replay.same(call, answer), replay.explain(call, answer)


def test_a_state_of_the_official_plugin_shows_no_change() -> None:
    """Each command in the recorded state, compared with its own inputs."""
    resources = [one for one in replay.state("command")["deployment"]["resources"] if one["type"] == TOKEN]
    assert len(resources) == 5
    for one in resources:
        olds, news = _signed(one["outputs"]), _signed(one["inputs"])
        answer = replay.ask(plugin(), "Diff", {"urn": one["urn"], "olds": olds, "news": news})
        assert answer.response == {"changes": "DIFF_NONE", "hasDetailedDiff": True}, one["urn"]


def _signed(exported: Any) -> Any:
    """A value of an exported state as the engine sends it: its secrets hold values, not JSON."""
    if isinstance(exported, dict) and "plaintext" in exported:
        signature = {key: value for key, value in exported.items() if key != "plaintext"}
        return {**signature, "value": _signed(json.loads(exported["plaintext"]))}
    if isinstance(exported, dict):
        return {name: _signed(inner) for name, inner in exported.items()}
    return [_signed(inner) for inner in exported] if isinstance(exported, list) else exported


def test_a_right_host_key_is_accepted_and_a_wrong_one_refused(server: sshd.Server) -> None:
    """A server that shows another key than the given one gets no command and no credentials."""
    assert stdout(create(to(server, hostKey=server.host_key))) == "done"
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    assert create(to(server, hostKey=other)).error.endswith("ssh: handshake failed: ssh: host key mismatch")
    assert "failed to parse host key" in create(to(server, hostKey="garbage")).error


def test_a_key_with_a_passphrase_needs_it(server: sshd.Server) -> None:
    """The right passphrase opens the key; none and a wrong one say what is wrong."""
    key = asyncssh.import_private_key(server.private_key)
    locked = key.export_private_key("openssh", passphrase="right").decode()
    assert stdout(create(to(server, privateKey=locked, privateKeyPassword="right"))) == "done"
    assert create(to(server, privateKey=locked)).error.endswith("this private key is passphrase protected")
    wrong = create(to(server, privateKey=locked, privateKeyPassword="wrong")).error
    assert "cannot decrypt the private key" in wrong


def test_an_agent_signs_where_no_key_is_given(
    server: sshd.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent of the connection, or else of the environment; one that is not there is an error."""
    without_key = {key: value for key, value in to(server).items() if key != "privateKey"}
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with agent(tmp_path, server.private_key) as socket:
        assert stdout(create({**without_key, "agentSocketPath": socket})) == "done"
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        assert stdout(create(without_key)) == "done"
    gone = create({**without_key, "agentSocketPath": str(tmp_path / "none")}).error
    assert gone.endswith(f"dial unix {tmp_path}/none: connect: no such file or directory")


@contextmanager
def agent(directory: Path, key: str) -> Iterator[str]:
    """A running ssh-agent that holds the key; the path of its socket."""
    socket = directory / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        private = directory / "key"
        private.write_text(key)
        private.chmod(0o600)
        environment = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        for _ in range(100):
            if socket.exists():
                break
            threading.Event().wait(0.05)
        subprocess.run(["ssh-add", "-q", str(private)], env=environment, check=True, capture_output=True)
        yield str(socket)
    finally:
        process.terminate()
        process.wait(10)


def test_a_bastion_is_gone_through(server: sshd.Server) -> None:
    """The command runs behind the bastion, whose own failure is marked as its own."""
    bastion = to(server)
    assert stdout(create(to(server, proxy=bastion), "echo $SSH_CLIENT")).startswith("127.0.0.1")
    refused = create(to(server, proxy={**bastion, "port": 1})).error
    assert refused.endswith(
        "proxy: after 0 failed attempts: dial tcp 127.0.0.1:1: connect: connection refused"
    )
    behind = create(to(server, port=1, proxy=bastion)).error
    assert "proxy: after 0 failed attempts: " in behind


@pytest.mark.parametrize("interactive", [False, True], ids=["password", "keyboard-interactive"])
def test_a_password_opens_a_server_that_asks_for_one(interactive: bool) -> None:
    """Both ways to ask; a wrong password names the ways that were tried."""
    with asking(interactive) as port:
        connection = {"host": "127.0.0.1", "port": port, "user": "u", "dialErrorLimit": 0}
        assert stdout(create({**connection, "password": "right"})) == "ran echo done"
        refused = create({**connection, "password": "wrong"}).error
    way = "keyboard-interactive" if interactive else "password"
    assert f"unable to authenticate, attempted methods [none {way}]" in refused
    assert "wrong" not in refused


class Asking(asyncssh.SSHServer):
    """A server with a password."""

    def __init__(self, interactive: bool) -> None:
        self._interactive = interactive

    def password_auth_supported(self) -> bool:
        """Whether it takes passwords as such."""
        return not self._interactive

    def validate_password(self, username: str, password: str) -> bool:
        """Accept one."""
        return password == "right"

    def kbdint_auth_supported(self) -> bool:
        """Whether it asks questions."""
        return self._interactive

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        """Ask one question."""
        return "", "", "", [("Code:", False)]

    def validate_kbdint_response(self, username: str, responses: Any) -> bool:
        """Accept one answer."""
        return list(responses) == ["right"]


@contextmanager
def asking(interactive: bool) -> Iterator[int]:
    """Run a server with a password on loopback; its port."""

    async def answer(process: Any) -> None:
        process.stdout.write(f"ran {process.command}\n")
        process.exit(0)

    async def listening() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: Asking(interactive),
            process_factory=answer,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        )

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    acceptor = asyncio.run_coroutine_threadsafe(listening(), loop).result(10)
    try:
        yield acceptor.get_port()
    finally:
        loop.call_soon_threadsafe(acceptor.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_what_an_earlier_run_wrote_is_in_the_environment(tmp_path: Path) -> None:
    """Unless it was asked to stay out; the server has to take the variables."""
    with sshd.running(tmp_path, "PULUMI_COMMAND_*") as server:
        olds = {"connection": to(server), "create": "true", "stdout": "before", "stderr": "noise"}
        command = "echo $PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR."
        news = {"connection": to(server), "create": "true", "update": command}
        assert stdout(ask(plugin(), "Update", olds=olds, news=news)) == "before noise."
        off = {**news, "addPreviousOutputInEnv": False}
        assert stdout(ask(plugin(), "Update", olds=olds, news=off)) == "."


def test_a_refused_variable_stops_the_command_before_it_starts(server: sshd.Server, tmp_path: Path) -> None:
    """Nothing runs with half of its environment."""
    trace = tmp_path / "ran"
    answer = create(to(server), f"touch {trace}", environment={"REFUSED": "x"})
    assert 'could not set environment variable "REFUSED"' in answer.error
    assert not trace.exists()


SHOWN = {
    None: {"out", "err"},
    "stdoutAndStderr": {"out", "err"},
    "stdout": {"out"},
    "stderr": {"err"},
    "none": set[str](),
}


@pytest.mark.parametrize("logging", SHOWN, ids=str)
def test_only_the_streams_that_may_be_shown_reach_the_engine(
    server: sshd.Server, logging: str | None
) -> None:
    """The state keeps both; `none` keeps a secret out of all messages."""
    given_logging = {} if logging is None else {"logging": logging}
    properties = {"connection": to(server), "create": "echo out; printf err >&2", **given_logging}
    with engine.listening() as (address, messages):
        answer = ask(plugin(address), "Create", properties=properties)
    assert set(messages.texts()) == SHOWN[logging]
    assert all(ephemeral and urn == URN for _, _, urn, ephemeral in messages.taken)
    kept = answer.response["properties"]
    assert (kept["stdout"], kept["stderr"]) == ("out", "err")


def test_large_and_odd_input_and_output_pass_through(server: sshd.Server) -> None:
    """A megabyte of text, bytes that are no text, and a command that reads nothing of what it gets."""
    text = "line of text\n" * 80_000
    assert stdout(create(to(server), "cat", stdin=text, logging="none")) + "\n" == text
    assert stdout(create(to(server), r"printf 'a\377b'")) == "a�b"
    assert stdout(create(to(server), "echo done", stdin=text)) == "done"


def test_a_command_may_be_over_before_its_input_is_sent(
    server: sshd.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A delete that reads nothing gets its resource's input all the same; its status alone counts."""
    start = asyncssh.SSHClientConnection.create_session

    async def start_and_look_late(*args: Any, **options: Any) -> Any:
        channel, session = await start(*args, **options)
        await channel.wait_closed()
        return channel, session

    monkeypatch.setattr(asyncssh.SSHClientConnection, "create_session", start_and_look_late)
    assert stdout(create(to(server), "echo done", stdin="unread")) == "done"
    assert "Process exited with status 3" in create(to(server), "exit 3", stdin="unread").error


def test_cancelling_ends_a_running_command(server: sshd.Server) -> None:
    """The engine's Cancel reaches a command that would never end."""
    with engine.listening() as (address, messages):
        running = plugin(address)
        properties = {"connection": to(server), "create": "echo begun; exec sleep 1000"}
        answers: list[replay.Answer] = []
        thread = threading.Thread(
            target=lambda: answers.append(ask(running, "Create", properties=properties))
        )
        thread.start()
        while "begun" not in messages.texts() and thread.is_alive():
            threading.Event().wait(0.05)
        running.handle("Cancel", empty_pb2.Empty())
        thread.join(20)
    assert answers[0].error.endswith("context canceled")


def test_a_resources_own_timeout_ends_its_command(server: sshd.Server) -> None:
    """`custom_timeouts` hold."""
    properties = {"connection": to(server), "create": "exec sleep 1000"}
    answer = ask(plugin(), "Create", properties=properties, timeout=0.5)
    assert answer.error.endswith("context deadline exceeded")


def test_a_command_without_text_runs_nothing(server: sshd.Server) -> None:
    """No create, no update or no delete means no connection; earlier output stays."""
    nowhere = to(server, port=1)
    made = ask(plugin(), "Create", properties={"connection": nowhere})
    assert stdout(made) == ""
    olds = {"connection": nowhere, "stdout": "kept", "stderr": ""}
    assert stdout(ask(plugin(), "Update", olds=olds, news={"connection": nowhere})) == "kept"
    assert ask(plugin(), "Delete", properties=olds) == replay.Answer({})


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "connection"),
    ({"connection": {"user": "u"}}, "connection.host"),
    ({"connection": {"host": "h", "port": "22"}}, "connection.port"),
    ({"connection": {"host": "h", "proxy": {"port": 22}}}, "connection.proxy.host"),
    ({"connection": {"host": "h", "proxy": {"host": "p", "proxy": {"host": "q"}}}}, "connection.proxy.proxy"),
    ({"connection": {"host": "h"}, "logging": "loud"}, "logging"),
    ({"connection": {"host": "h"}, "environment": {"A": 1}}, "environment.A"),
    ({"connection": {"host": "h"}, "creates": "x"}, "creates"),
]


@pytest.mark.parametrize(("news", "place"), WRONG, ids=[place for _, place in WRONG])
def test_wrong_inputs_are_failures_of_the_check(news: dict[str, Any], place: str) -> None:
    """One failure, at its place."""
    failures = ask(plugin(), "Check", news=news).response["failures"]
    assert [failure["property"] for failure in failures] == [place]


def test_defaults_and_secrets_reach_the_bastion_too() -> None:
    """What the SDK does not fill in or mark is filled in and marked by the check."""
    checked = inputs.checked({"connection": {"host": "h", "proxy": {"host": "p", "password": "s"}}})
    proxy = checked["connection"].value["proxy"]
    assert proxy == {**inputs.DEFAULTS, "host": "p", "password": Secret("s")}
    assert inputs.checked({"connection": UNKNOWN}) == {"connection": Secret(UNKNOWN)}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"]) | st.just(UNKNOWN),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "b.c"]), inner, max_size=2)
        | st.builds(Secret, inner)
    ),
    max_leaves=6,
)
MAPS = st.dictionaries(st.sampled_from(["x", "y"]), VALUES, max_size=2)


@given(MAPS, MAPS)
def test_differences_are_found_where_they_are(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Equal values have none unless something is unknown; swapping turns additions into deletions."""
    found, back = differences.compare(old, new), differences.compare(new, old)
    swapped = {"ADD": "DELETE", "DELETE": "ADD", "UPDATE": "UPDATE"}
    assert back == {path: swapped[kind] for path, kind in found.items()}
    if "UNKNOWN" not in str(old) and "Secret" not in str(old):
        assert differences.compare(old, old) == {}


def test_paths_are_written_as_the_engine_reads_them() -> None:
    """Keys with dots are quoted, list elements have numbers."""
    old = {"environment": {"a.b": "1", "C": "1"}, "triggers": [1, [2]]}
    new = {"environment": {"a.b": "2"}, "triggers": [True, [2, 3]]}
    assert differences.compare(old, new) == {
        'environment["a.b"]': "UPDATE",
        "environment.C": "DELETE",
        "triggers[0]": "UPDATE",
        "triggers[1][1]": "ADD",
    }


def test_a_local_command_names_the_official_plugin() -> None:
    """Only remote commands are covered."""
    request = {"urn": "urn:pulumi:s::p::command:local:Command::x", "news": {}}
    assert "pulumi plugin install resource command v1.2.1" in replay.ask(plugin(), "Check", request).error
    with pytest.raises(Failure, match="DiffConfig is not implemented"):
        plugin().handle("DiffConfig", None)
