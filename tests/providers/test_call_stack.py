"""What the SDK sends with a registration: this fails when a later one takes its call stack in another way."""

from __future__ import annotations

import sys

import pulumi
import pytest

from providers import call_stack
from providers.adapter import Kernel
from tests.registrations import requests


class Another(pulumi.ComponentResource):
    """What is described without more ado."""

    def __init__(self) -> None:
        super().__init__("test:index:Another", "another")


def test_a_resource_of_a_machine_is_registered_without_its_call_stack() -> None:
    """Another resource has one: the limit is that of the registration alone."""

    def program() -> None:
        Kernel("cp-1-kernel", "cp-1", {}, {}, pulumi.ResourceOptions())
        Another()

    frames = {name: len(one.stackTrace.frames) for name, one in requests(program).items()}
    assert frames["cp-1-kernel"] == 0
    assert frames["another"] > 1


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
