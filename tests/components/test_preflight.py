"""The preflight as the program registers it, and its check against a real OpenSSH server on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components.preflight import preflight
from config import Rack, load
from providers import adapter
from providers.operations import Operations
from providers.preflight.finding import SWITCH
from providers.session import Session
from tests.components.test_program import Recorder
from tests.config.injections import sound
from tests.providers.preflight.test_gather import behind
from tests.providers.ssh.sshd import Sshd, free_port

LOOK: dict[str, Any] = {"urn": "urn:pulumi:test::helicon::x::preflight", "look": True, "measure": False}


class Monitor(mocks.MockMonitor):
    """Keeps what each resource waits for."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.needs: dict[str, list[str]] = {}

    def RegisterResource(self, request: Any) -> Any:
        """Record."""
        self.needs[request.name] = [one.rpartition("::")[2] for one in request.dependencies]
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def registered(rack: Rack) -> tuple[Recorder, Monitor]:
    """What a program registers that looks first, and then describes something."""
    recorder = Recorder()
    monitor = Monitor(recorder)
    mocks.set_mocks(recorder, project="helicon", stack="test", preview=False, monitor=monitor)

    def program() -> None:
        preflight(rack)
        node = pulumi.ComponentResource("helicon:index:Node", "cp-1")
        child = pulumi.ResourceOptions(parent=node)
        pulumi.ComponentResource("helicon:index:Part", "cp-1-part", None, child)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return recorder, monitor


@pytest.fixture
def rack() -> Rack:
    """A sound rack."""
    return load(sound(), stack="test")


def test_everything_waits_for_it(rack: Rack) -> None:
    """Components, and what is in them."""
    recorder, monitor = registered(rack)
    assert (monitor.needs["cp-1"], monitor.needs["cp-1-part"]) == (["preflight"], ["preflight"])
    wanted = recorder.made["preflight"].inputs
    assert wanted["look"] and wanted["measure"]


def test_it_can_be_turned_off(rack: Rack, monkeypatch: pytest.MonkeyPatch) -> None:
    """For good by the stack file, and by the environment for one run."""
    off = rack.preflight.model_copy(update={"enabled": False})
    assert "preflight" not in registered(rack.model_copy(update={"preflight": off}))[0].made
    monkeypatch.setenv(SWITCH, "0")
    assert registered(rack)[0].made["preflight"].inputs["look"] is False


def checked(
    raw: dict[str, Any], monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any] = LOOK
) -> tuple[list[str], list[str]]:
    """The failures of a check of this rack, and its warnings."""
    operations, session, said = Operations(), Session(raw), list[str]()
    monkeypatch.setattr(operations, "_session", session)
    monkeypatch.setattr(adapter, "_operations", lambda: operations)
    monkeypatch.setattr(session.log, "warning", lambda urn, line: said.append(line))
    try:
        found = adapter.PreflightProvider("Preflight").check({}, asked)
        assert found.inputs == {"urn": LOOK["urn"]}  # a plan of a preview holds in the up
    finally:
        session.pool.close()
    return [one.reason for one in found.failures], said


@pytest.mark.slow
def test_errors_end_the_run_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six names for one machine: each is in the one message, with the way to go on all the same."""
    with Sshd(tmp_path) as server:
        (text,), said = checked(behind(server), monkeypatch)
    for name in ("lb-1", "cp-1", "cp-2", "cp-3", "w-1", "w-2"):
        assert f"error    {name}" in text
    assert "machine id" in text and f"{SWITCH}=0" in text
    assert said == []


def test_machines_that_are_off_are_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on: the others are changed, and it names these; turned off, nobody is asked."""
    server = Sshd(tmp_path)
    server.port = free_port()
    failures, said = checked(behind(server), monkeypatch)
    assert (failures, len(said)) == ([], 1)
    assert said[0].count("connection refused") == 6
    assert checked(behind(server), monkeypatch, {**LOOK, "look": False}) == ([], [])
