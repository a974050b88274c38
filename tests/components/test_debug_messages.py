"""Debug messages of the SDK, and what reaches the engine of them."""

from __future__ import annotations

import logging

import pulumi
import pytest
from pulumi.runtime import mocks

from components import debug_messages
from tests.components.test_program import Recorder


def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What an engine hears of a resource that is described once the program has begun."""
    monkeypatch.setattr(pulumi.log, "debug", pulumi.log.debug)
    mocks.set_mocks(Recorder())
    debug_messages.only_if_asked_for()

    def program() -> None:
        pulumi.ComponentResource("test:index:Thing", "thing")
        pulumi.log.warn("a warning")

    with caplog.at_level(logging.DEBUG):
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return [record.getMessage() for record in caplog.records if record.name != "asyncio"]


def test_none_is_sent_and_warnings_are(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(debug_messages.SWITCH, raising=False)
    assert told(monkeypatch, caplog) == ["a warning"]


def test_the_switch_has_them_sent(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv(debug_messages.SWITCH, "1")
    assert any("test:index:Thing" in line for line in told(monkeypatch, caplog))
