"""What the SDK sends with a registration: this fails when a later one takes its call stack in another way."""

from __future__ import annotations

import sys
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from providers import call_stack
from providers.adapter import Kernel
from tests.components.test_program import Recorder


class Monitor(mocks.MockMonitor):
    """Keeps how many frames came with each registration."""

    def __init__(self) -> None:
        super().__init__(Recorder())
        self.frames: dict[str, int] = {}

    def RegisterResource(self, request: Any) -> Any:
        """Count, then as ever."""
        self.frames[request.name] = len(request.stackTrace.frames)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


class Another(pulumi.ComponentResource):
    """What is described without more ado."""

    def __init__(self) -> None:
        super().__init__("test:index:Another", "another")


def test_a_resource_of_a_machine_is_registered_without_its_call_stack() -> None:
    """Another resource has one: the limit is that of the registration alone."""
    monitor = Monitor()
    mocks.set_mocks(Recorder(), monitor=monitor)

    def program() -> None:
        Kernel("cp-1-kernel", "cp-1", {}, {}, pulumi.ResourceOptions())
        Another()

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    assert monitor.frames["cp-1-kernel"] == 0
    assert monitor.frames["another"] > 1


@pytest.mark.parametrize("before", [None, 7])
def test_an_error_has_its_whole_traceback(before: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the limit was, it is so again once something failed."""
    if before is None:
        monkeypatch.delattr(sys, "tracebacklimit", raising=False)
    else:
        monkeypatch.setattr(sys, "tracebacklimit", before, raising=False)
    with pytest.raises(ValueError, match="broken"), call_stack.not_kept():
        raise ValueError("broken")
    assert getattr(sys, "tracebacklimit", None) == before
