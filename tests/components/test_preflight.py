"""The preflight as the program runs it, against a real OpenSSH server on loopback."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest

from components.preflight import SWITCH, preflight
from config import Rack
from tests.providers.preflight.test_gather import rack
from tests.providers.ssh.sshd import Sshd, free_port


@pytest.fixture
def clones(tmp_path: Path) -> Rack:
    """Six machines that are off: nobody answers."""
    server = Sshd(tmp_path)
    server.port = free_port()
    return rack(server)


@pytest.mark.slow
def test_errors_end_the_program_all_at_once(tmp_path: Path) -> None:
    """Six names for one machine: each is in the one message, with the way to go on all the same."""
    with Sshd(tmp_path) as server, pytest.raises(pulumi.RunError) as stopped:
        preflight(rack(server))
    text = str(stopped.value)
    for name in ("lb-1", "cp-1", "cp-2", "cp-3", "w-1", "w-2"):
        assert f"error    {name}" in text
    assert "machine id" in text and f"{SWITCH}=0" in text


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the engine would be told; where a test before left its own engine, that would be asked."""
    lines: list[str] = []
    monkeypatch.setattr(pulumi, "warn", lines.append)
    return lines


def test_machines_that_are_off_are_warnings(clones: Rack, said: list[str]) -> None:
    """The program goes on: the others are changed, and `up` names these."""
    preflight(clones)
    assert len(said) == 1 and said[0].count("connection refused") == 6


def test_it_can_be_turned_off(clones: Rack, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    """By the environment for one run, by the stack file for good: no machine is asked."""
    off = clones.preflight.model_copy(update={"enabled": False})
    preflight(clones.model_copy(update={"preflight": off}))
    monkeypatch.setenv(SWITCH, "0")
    preflight(clones)
    assert said == []
