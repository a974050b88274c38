"""What waits for what around the cluster's API."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components.authority import Authority
from components.cluster import Cluster
from components.kubernetes import cluster_provider
from components.network import Network
from components.node import ReadyNode
from components.sources import source_of
from config import Rack, load
from tests.components.test_program import Recorder
from tests.config.injections import sound


class Monitor(mocks.MockMonitor):
    """Keeps what each registration says that it needs, by the names of resources."""

    def __init__(self) -> None:
        super().__init__(Recorder())
        self.needs: dict[str, set[str]] = {}
        self.gone_with: dict[str, str] = {}

    def RegisterResource(self, request: Any) -> Any:
        """Record, then as ever."""
        self.needs[request.name] = {urn.rpartition("::")[2] for urn in request.dependencies}
        self.gone_with[request.name] = request.deletedWith.rpartition("::")[2]
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def registered(rack: Rack) -> Monitor:
    """The cluster and what runs on it."""
    monitor = Monitor()
    mocks.set_mocks(Recorder(), monitor=monitor)

    def program() -> None:
        authority = Authority("authority", rack)
        source = source_of(rack, "amd64")
        nodes = {name: ReadyNode(rack, node, source) for name, node in rack.nodes.items()}
        cluster = Cluster("cluster", rack, nodes, authority, [])
        Network("network", rack, cluster_provider(rack, authority, cluster))

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return monitor


@pytest.fixture(params=[1, 3])
def control_planes(request: pytest.FixtureRequest) -> list[str]:
    """Their names."""
    return [f"cp-{number + 1}" for number in range(request.param)]


def test_what_runs_on_the_cluster_waits_for_a_first_api(control_planes: list[str]) -> None:
    """Not for the other control planes, which join meanwhile; where there is one, for its whole membership."""
    nodes = {
        name: {"address": f"10.0.0.{20 + number}", "roles": ["control-plane"]}
        for number, name in enumerate(control_planes)
    }
    found = registered(load({**sound(), "nodes": nodes}, stack="test"))
    prepared, joined = ({f"{name}-{kind}" for name in control_planes} for kind in ("software", "membership"))
    ca = {"authority-kubernetes-ca"}
    assert found.needs["cluster-api-server"] == ca | (joined if len(control_planes) == 1 else prepared)
    assert found.needs["cluster-formation"] == ca | joined
    assert "cluster-api-server" in found.needs["network-daemon"]
    assert not found.needs["network-daemon"] & joined
    assert found.gone_with["network-daemon"] == "cluster-api-server"
