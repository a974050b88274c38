"""What waits for what around the cluster's API."""

from __future__ import annotations

from typing import Any

import pytest

from components.authority import Authority
from components.cluster import Cluster
from components.kubernetes import cluster_provider
from components.network import Network
from components.node import ReadyNode
from components.sources import source_of
from config import Rack, load
from tests.config.injections import sound
from tests.registrations import requests


def registered(rack: Rack) -> dict[str, Any]:
    """The cluster and what runs on it."""

    def program() -> None:
        authority = Authority("authority", rack)
        source = source_of(rack, "amd64")
        nodes = {name: ReadyNode(rack, node, source) for name, node in rack.nodes.items()}
        cluster = Cluster("cluster", rack, nodes, authority, [])
        Network("network", rack, cluster_provider(rack, authority, cluster))

    return requests(program)


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
    needs = {name: {_name(urn) for urn in one.dependencies} for name, one in found.items()}
    prepared, joined = ({f"{name}-{kind}" for name in control_planes} for kind in ("software", "membership"))
    ca = {"authority-kubernetes-ca"}
    assert needs["cluster-api-server"] == ca | (joined if len(control_planes) == 1 else prepared)
    assert needs["cluster-formation"] == ca | joined
    assert "cluster-api-server" in needs["network-daemon"]
    assert not needs["network-daemon"] & joined
    assert _name(found["network-daemon"].deletedWith) == "cluster-api-server"


def _name(urn: str) -> str:
    """Of the resource that it is of."""
    return urn.rpartition("::")[2]
