"""A board's chain of resources."""

from __future__ import annotations

from pathlib import Path

import pulumi
from pulumi.runtime import mocks

from components.node import ReadyNode
from components.sources import source_of
from config import load_file
from config.network import MachineNetwork
from tests.components.test_program import Recorder

REPOSITORY = Path(__file__).parent.parent.parent


def test_only_a_machine_with_a_static_network_has_the_resource() -> None:
    """Its address has the prefix of its subnet."""
    rack = load_file(REPOSITORY / "Pulumi.rpi.yaml")
    nodes = list(rack.nodes.values())[:2]
    static = nodes[0].model_copy(
        update={"network": MachineNetwork(gateway="10.42.253.1"), "subnet": "10.42.253.0/24"}
    )
    recorder = Recorder()
    mocks.set_mocks(recorder, project="helicon", stack="rpi", preview=False)

    def program() -> None:
        for node in (static, nodes[1]):
            ReadyNode(rack, node, source_of(rack, "arm64"))

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    (made,) = recorder.of("Network").values()
    assert made.name == f"{static.name}-network"
    assert made.inputs["network"]["address"] == f"{static.address}/24"
