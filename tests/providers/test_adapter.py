"""The adapter: what the engine is told without a connection, and what the SDK's process allows."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dill
import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.output import Unknown
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from providers.adapter import MachineProvider
from providers.kinds import KINDS
from tests.providers.crowd import AT_ONCE, PATIENCE, Crowd

REPOSITORY = Path(__file__).parent.parent.parent
ABOUT = {"urn": "urn:pulumi:rpi::helicon::x::cp-1", "machine": "cp-1", "connection": {"address": "10.0.0.1"}}
UNKNOWN: Any = Unknown()  # type: ignore[no-untyped-call]
KERNEL: dict[str, Any] = {**ABOUT, "sysctl": {"net.ipv4.ip_forward": "1"}, "modules": ["overlay"]}


@pytest.fixture
def dynamic() -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """The SDK's own provider process, as the engine starts it."""
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PULUMI_PROJECT": "helicon"}
    argv = [sys.executable, "-m", "pulumi.dynamic", "127.0.0.1:1"]
    process = subprocess.Popen(argv, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    process.kill()
    process.wait()


@pytest.mark.slow
def test_the_sdk_s_limit_of_four_at_once_is_lifted(dynamic: provider_pb2_grpc.ResourceProviderStub) -> None:
    """Twelve creates that wait for each other all end; a later SDK that keeps its pool elsewhere fails here."""
    request = provider_pb2.CreateRequest(urn="urn:pulumi:s::p::t::n")
    request.properties["__provider"] = base64.b64encode(dill.dumps(Crowd())).decode()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        calls = [pool.submit(dynamic.Create, request, timeout=2 * PATIENCE) for _ in range(AT_ONCE)]
        assert [call.result().id for call in calls] == ["crowd"] * AT_ONCE


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_provider_is_kept_in_the_state_by_reference(kind: str) -> None:
    """So that a newer program reads the state of an older one."""
    assert len(dill.dumps(MachineProvider(kind))) < 200


def test_the_diff_of_what_was_just_created_is_empty() -> None:
    """Numbers that came back as floats included."""
    provider = MachineProvider("Balancer")
    made = {**ABOUT, "haproxy": {"bind": 6443, "backends": {"cp-1": "10.0.0.1:6443"}}}
    back = {**ABOUT, "haproxy": {"bind": 6443.0, "backends": {"cp-1": "10.0.0.1:6443"}}}
    assert provider.diff("id", back, made).changes is False


@pytest.mark.parametrize(
    "change",
    [
        {"sysctl": {"net.ipv4.ip_forward": "0"}},
        {"sysctl": {"net.ipv4.ip_forward": "1", "vm.swappiness": "0"}},
        {"modules": []},
        {"swap": "off"},
        {"connection": {"address": "10.0.0.2"}},
    ],
    ids=lambda change: "-".join(change),
)
def test_any_difference_is_left_to_the_engine_to_name(change: dict[str, Any]) -> None:
    """With changes=None the engine shows the properties that differ."""
    assert MachineProvider("Kernel").diff("id", KERNEL, {**KERNEL, **change}).changes is None


@given(st.sampled_from(sorted(KERNEL)), st.booleans())
def test_an_unknown_input_never_raises(key: str, nested: bool) -> None:
    """Whatever is not known yet in a preview counts as a difference."""
    value = KERNEL[key]
    unknown: Any = {**value, next(iter(value)): UNKNOWN} if nested and isinstance(value, dict) else UNKNOWN
    assert MachineProvider("Kernel").diff("id", KERNEL, {**KERNEL, key: unknown}).changes is None
