"""A node's software as properties: sources, runtimes and upgrades that the stack file chooses."""

from __future__ import annotations

from typing import Any

import pytest

from components import balancing, membership_properties, properties
from components.sources import source_of
from config import Rack
from providers.core.thing import Json
from providers.kinds import KINDS
from providers.membership.kubeadm import Kubeadm
from tests.config.test_rack import nodes, rack


def software(found: Rack, name: str = "w-1") -> dict[str, Any]:
    """The properties of a node's software, installed from the internet."""
    return properties.software(found, found.nodes[name], source_of(found, "arm64"))


def repositories(found: Rack, name: str = "w-1") -> dict[str, Any]:
    """The repositories of a node, from the internet."""
    sources = properties.sources(found.nodes[name], source_of(found, "arm64"))
    return dict(sources.get("repositories", {}))


def worker(**settings: Any) -> Rack:
    """The sound rack, without a bundle, with further settings of w-1."""
    return rack(nodes=nodes(w_1=settings))


def test_a_repository_has_both_forms_and_the_machine_takes_its_own() -> None:
    """No configuration says which family a machine is of."""
    one = repositories(rack())["helicon-kubernetes"]
    assert one["uri"].endswith("/deb/")
    assert one["rpm_uri"].endswith("/rpm/")
    assert one["rpm_key"] == f"{one['rpm_uri']}repodata/repomd.xml.key"


def test_photon_s_own_packages_need_no_repository() -> None:
    """kubernetes and kubernetes-kubeadm, of the configured version and held."""
    rack = worker(kubernetes_source="distribution")
    assert repositories(rack) == {}
    found = software(rack)
    assert {"kubernetes", "kubernetes-kubeadm"} <= found["packages"].keys()
    assert "kubelet" not in found["packages"]
    assert found["packages"]["kubernetes"]["hold"]


@pytest.mark.parametrize(("source", "package"), [("distribution", "docker.io"), ("docker", "docker-ce")])
def test_docker_takes_the_place_of_containerd_on_the_node_that_chose_it(source: str, package: str) -> None:
    """Its packages, its options and its socket; the other nodes keep containerd."""
    found = worker(runtime="docker", docker={"source": source, "log_max_size": "10m"})
    one, other = software(found), software(found, "w-2")
    assert ("containerd" in one, "docker" in other) == (False, False)
    assert {package, "cri-dockerd"} <= one["packages"].keys()
    assert ("helicon-docker" in repositories(found)) is (source == "docker")
    assert one["docker"]["log_max_size"] == "10m"
    assert one["docker"]["sandbox_image"] == other["containerd"]["sandbox_image"]
    joined = [
        membership_properties.membership(found, found.nodes[name], "ca")["kubeadm"] for name in ("w-1", "w-2")
    ]
    assert [one["cri_socket"].rpartition("/")[2] for one in joined] == ["cri-dockerd.sock", "containerd.sock"]


def test_a_member_keeps_the_socket_that_it_joined_with() -> None:
    """One that joined before there was a choice joined with containerd."""
    thing = Kubeadm()
    wanted: dict[str, Json] = {"role": "worker", "cri_socket": "unix:///run/cri-dockerd.sock"}
    other: dict[str, Json] = {**wanted, "cri_socket": "unix:///run/containerd/containerd.sock"}
    changes = thing.plan(thing.parse(other), thing.parse(wanted))
    assert [change.field for change in changes] == ["cri_socket"]


def test_an_upgrade_is_there_only_where_it_is_asked_for() -> None:
    """On nodes and load balancers alike, with repositories of one's own."""
    assert "upgrade" not in software(rack())
    asked = {
        "upgrade": {"level": "dist-upgrade", "stamp": "2026-11"},
        "repositories": {"own": {"rpm": {"uri": "https://mirror.example.test/"}}},
    }
    found = rack(defaults={"software": asked})
    balancer = balancing.balancer(found, found.load_balancers["lb-1"])
    for one, kind in ((software(found), "Software"), (balancer, "Balancer")):
        assert one["upgrade"] == asked["upgrade"]
        assert KINDS[kind].plan(one, one) == []
    for machine in (found.nodes["w-1"], found.load_balancers["lb-1"]):
        sources = properties.sources(machine, source_of(found, "arm64"))
        assert sources["repositories"]["own"]["rpm_uri"] == "https://mirror.example.test/"
        assert KINDS["System"].plan(sources, sources) == []
