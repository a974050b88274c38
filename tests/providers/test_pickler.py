"""Racks of more machines than the SDK can pickle providers for."""

from __future__ import annotations

import sys

import pulumi
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import mocks

from providers.adapter import Kernel, MachineProvider
from tests.components.test_program import Recorder


def test_more_resources_than_python_may_recurse() -> None:
    """Each is described, and its provider is kept in the state in the same words as the first."""
    recorder = Recorder()
    mocks.set_mocks(recorder)
    many = sys.getrecursionlimit() + 1
    before = serialize_provider(MachineProvider("Kernel"))

    def program() -> None:
        for number in range(many):
            Kernel(f"kernel-{number}", f"m-{number}", {}, {}, pulumi.ResourceOptions())

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    assert len(recorder.made) == many
    assert {one.inputs["__provider"] for one in recorder.made.values()} == {before}
