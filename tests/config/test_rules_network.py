"""Rules about addresses, at their limits."""

from __future__ import annotations

from typing import Any

import pytest

from config import ConfigurationError, load
from config.problems import Path
from tests.config.injections import sound


def paths(raw: dict[str, Any]) -> list[Path]:
    """Where something is wrong with a rack; nothing for a sound one."""
    try:
        load(raw, stack="test")
    except ConfigurationError as error:
        return [problem.path for problem in error.problems]
    return []


def rack(workers: int, **cluster: Any) -> dict[str, Any]:
    """A rack with three control planes and so many workers, without a load balancer."""
    raw = {**sound(), "load_balancers": {}}
    added = {f"w-{at}": {"address": f"10.0.0.{20 + at}"} for at in range(workers)}
    control_planes = {name: one for name, one in raw["nodes"].items() if name.startswith("cp")}
    return {**raw, "nodes": {**control_planes, **added}, "cluster": {**raw["cluster"], **cluster}}


@pytest.mark.parametrize(("workers", "found"), [(5, []), (6, [("cluster", "pod_cidr")])])
def test_pod_network_has_room_for_exactly_so_many_nodes(workers: int, found: list[Path]) -> None:
    """A /21 holds eight /24: three control planes and five workers."""
    assert paths(rack(workers, pod_cidr="10.1.0.0/21")) == found


@pytest.mark.parametrize(
    ("pod_cidr", "mask", "found"),
    [
        ("10.240.0.0/13", 29, []),
        ("10.240.0.0/13", 30, [("cluster", "node_cidr_mask")]),
        ("10.240.0.0/24", 23, [("cluster", "node_cidr_mask")]),
    ],
)
def test_mask_is_at_most_sixteen_bits_longer(pod_cidr: str, mask: int, found: list[Path]) -> None:
    """kubeadm's limit between the pods' network and a node's part of it."""
    assert paths(rack(2, pod_cidr=pod_cidr, node_cidr_mask=mask)) == found


@pytest.mark.parametrize(
    ("service_cidr", "found"),
    [
        ("172.16.0.0/12", []),
        ("172.16.0.0/28", []),
        ("172.16.0.0/29", [("cluster", "service_cidr")]),
        ("172.0.0.0/11", [("cluster", "service_cidr")]),
    ],
)
def test_service_network_is_of_a_size_that_kubeadm_takes(service_cidr: str, found: list[Path]) -> None:
    """From ten addresses to twenty bits."""
    assert paths(rack(2, service_cidr=service_cidr)) == found


def test_networks_that_touch_do_not_overlap() -> None:
    """Neighbours, as in many a rack, are fine."""
    assert paths(rack(2, pod_cidr="10.233.192.0/18", service_cidr="10.233.128.0/18")) == []


def test_suggested_network_is_free() -> None:
    """Whoever takes the suggestion has no problem any more."""
    raw = rack(2, pod_cidr="10.96.0.0/16")
    with pytest.raises(ConfigurationError) as caught:
        load(raw, stack="test")
    (problem,) = caught.value.problems
    raw["cluster"]["pod_cidr"] = problem.suggestion.split('"')[1]
    assert paths(raw) == []


def test_machine_of_another_subnet_says_so_itself() -> None:
    """A load balancer in a DMZ has a subnet of its own."""
    raw = sound()
    raw["load_balancers"]["dmz"] = {"address": "192.0.2.9", "subnet": "192.0.2.0/24"}
    assert paths(raw) == []
    raw["load_balancers"]["dmz"]["subnet"] = "10.244.0.0/24"
    assert paths(raw) == [("cluster", "pod_cidr"), ("load_balancers", "dmz", "address")]


def test_machine_without_subnet_stays_out_of_the_cluster_s_networks() -> None:
    """Pods and machines cannot share addresses, whether or not a subnet is given."""
    raw = sound()
    del raw["defaults"]["subnet"]
    assert paths(raw) == []
    raw["nodes"]["w-1"]["address"] = "10.244.3.1"
    assert paths(raw) == [("nodes", "w-1", "address")]


@pytest.mark.parametrize(
    ("cluster", "found"),
    [
        ({"endpoint": "10.0.0.9"}, []),
        ({"endpoint": "10.0.0.11"}, []),
        ({"endpoint": "10.0.0.9", "endpoint_address": "10.0.0.9"}, [("cluster", "endpoint_address")]),
        ({"endpoint_address": "10.0.0.12"}, []),
    ],
)
def test_endpoint_belongs_to_whoever_serves_it(cluster: dict[str, str], found: list[Path]) -> None:
    """Load balancers and control planes serve the API; an address needs no second one."""
    raw = sound()
    raw["cluster"] |= cluster
    assert paths(raw) == found
