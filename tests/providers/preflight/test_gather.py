"""All machines asked at once, against a real OpenSSH server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import Rack, load
from providers import ping
from providers.core.errors import HostKeyChanged, Unreachable
from providers.preflight.gather import look
from providers.preflight.judge import judge
from providers.ssh.pool import Pool
from tests.config.injections import HOST_KEY, sound
from tests.providers.ssh.sshd import Sshd, free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server that stands for every board that is on."""
    with Sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def rack(server: Sshd, **connections: dict[str, Any]) -> Rack:
    """The sound rack, every machine behind the server; some have other connections."""
    return load(behind(server, **connections), stack="test")


def behind(server: Sshd, **connections: dict[str, Any]) -> dict[str, Any]:
    """The same, as the stack file says it."""
    raw = sound()
    key = {"user": "root", "identity_file": str(server.user_key), "host_key": server.host_key}
    for machines in (raw["load_balancers"], raw["nodes"]):
        for name, machine in machines.items():
            way = {"address": "127.0.0.1", "port": server.port, **key}
            machine["connection"] = {**way, **connections.get(name.replace("-", "_"), {})}
    return {**raw, "preflight": {"timeout": 2}}


def test_every_machine_answers_or_says_why_not(server: Sshd, pool: Pool) -> None:
    """One is off and one shows another key: the others are known all the same, nothing is raised."""
    found = look(rack(server, w_1={"port": free_port()}, w_2={"host_key": HOST_KEY}), pool)
    assert [one.machine.name for one in found if one.facts] == ["lb-1", "cp-1", "cp-2", "cp-3"]
    assert isinstance(found[-2].error, Unreachable)
    assert isinstance(found[-1].error, HostKeyChanged)
    assert all(abs(one.offset) < 1 for one in found)


def test_clones_are_found_among_real_answers(server: Sshd, pool: Pool) -> None:
    """One machine under six names has one machine id."""
    here = rack(server)
    ids = [one for one in judge(here, look(here, pool)) if one.check == "machine id"]
    assert len(ids) == len(here.machines())


def test_ping_shows_every_machine(
    server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each, also for one that is off, and the findings below."""
    here = rack(server, w_1={"port": free_port()})
    monkeypatch.setattr(ping, "load_file", lambda path: here)
    assert ping.main(["test"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["machine", "address", "reachable"]
    (off,) = [line for line in lines if line.startswith("w-1")]
    assert off.split() == ["w-1", "127.0.0.1", "no", *["-"] * 6]
    assert [line.split()[2] for line in lines[1:5]] == ["yes"] * 4
    assert any(line.split()[:3] == ["warning", "w-1", "answer"] for line in lines)
