"""A board's chain of resources."""

from __future__ import annotations

from pathlib import Path

import pulumi
from pulumi.runtime import mocks

from components.node import FurtherMachine, ReadyNode
from components.sources import source_of
from config import load_file
from config.network import MachineNetwork
from config.rack import Further
from tests.components.test_program import Recorder

REPOSITORY = Path(__file__).parent.parent.parent


def test_a_further_machine_is_prepared_and_takes_no_part() -> None:
    """Its own packages come like a node's; it has no kubelet and no membership."""
    rack = load_file(REPOSITORY / "Pulumi.rpi.yaml")
    plain = next(iter(rack.load_balancers.values()))
    nas = Further.model_construct(**{**dict(plain), "name": "nas", "packages": ("samba",)})
    recorder = Recorder()
    mocks.set_mocks(recorder, project="helicon", stack="rpi", preview=False)

    def program() -> None:
        FurtherMachine(rack, nas, source_of(rack, "arm64"))

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    (software,) = recorder.of("Software").values()
    assert list(software.inputs["packages"]) == ["samba"] and "kubelet" not in software.inputs
    assert not recorder.of("Membership")


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
