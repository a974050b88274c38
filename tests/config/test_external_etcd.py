"""Machines of an external etcd in a stack file."""

from __future__ import annotations

from typing import Any

import pytest

from config import ConfigurationError, Rack, load
from tests.config.injections import sound


def rack(count: int = 3, *, control_planes: int = 3, **more: Any) -> Rack:
    """The sound rack with an etcd of its own machines."""
    raw = sound()
    for number in range(control_planes, 3):
        del raw["nodes"][f"cp-{number + 1}"]
    raw["etcd_members"] = {f"etcd-{one}": {"address": f"10.0.0.{40 + one}"} for one in range(1, count + 1)}
    return load({**raw, **more}, stack="test")


def problems(count: int, **more: Any) -> str:
    """What is said of a rack with so many members."""
    with pytest.raises(ConfigurationError) as error:
        rack(count, **more)
    return str(error.value)


def test_members_are_machines_and_no_nodes() -> None:
    """They have the defaults, the runtime of nodes and no swap; the cluster's nodes stay what they are."""
    found = rack()
    one = found.etcd_members["etcd-1"]
    assert one in found.machines()
    assert (one.hostname, one.swap, str(one.subnet)) == ("etcd-1", "off", "10.0.0.0/24")
    assert one.containerd.sandbox_image == found.nodes["w-1"].containerd.sandbox_image
    assert "etcd-1" not in found.nodes


def test_the_kubelet_of_a_member_has_the_cluster_s_fields_and_its_own() -> None:
    """As a node's does."""
    cluster = {**sound()["cluster"], "kubelet": {"maxPods": 20, "containerLogMaxSize": "5Mi"}}
    member = {"etcd-1": {"address": "10.0.0.41", "kubelet": {"maxPods": 5}}}
    found = rack(cluster=cluster, etcd_members=member).etcd_members["etcd-1"]
    assert found.kubelet == {"maxPods": 5, "containerLogMaxSize": "5Mi"}


@pytest.mark.parametrize("control_planes", [1, 2, 3])
def test_any_number_of_control_planes_goes_with_it(control_planes: int) -> None:
    """None of them holds a member."""
    assert len(rack(control_planes=control_planes).control_planes()) == control_planes


def test_without_it_control_planes_are_still_odd() -> None:
    """An empty mapping is none."""
    raw = sound()
    del raw["nodes"]["cp-3"]
    with pytest.raises(ConfigurationError, match="an odd number of control planes"):
        load({**raw, "etcd_members": {}}, stack="test")


@pytest.mark.parametrize(("count", "says"), [(2, "than 1 do"), (4, "than 3 do"), (8, "more than seven")])
def test_members_are_odd_in_number_and_at_most_seven(count: int, says: str) -> None:
    """The problem says why."""
    found = problems(count)
    assert "etcd_members: expected 1, 3, 5 or 7 members" in found
    assert says in found


def test_a_32_bit_board_cannot_be_a_member() -> None:
    """With the machine's own path."""
    member = {"etcd-1": {"address": "10.0.0.41", "architecture": "armhf"}}
    found = problems(1, etcd_members=member)
    assert "etcd_members.etcd-1.architecture: expected arm64 or amd64 for a member of etcd" in found


def test_a_member_s_name_and_address_are_its_own() -> None:
    """As with every machine."""
    found = problems(1, etcd_members={"cp-1": {"address": "10.0.0.11"}})
    assert "a name of its own" in found
    assert "an address of its own" in found


def test_a_member_needs_containerd_2_where_its_kubelet_does() -> None:
    """Kubernetes 1.37 on Debian 13's containerd is refused for members, too."""
    docker = {"defaults": {"containerd": {"source": "distribution"}, "runtime": "docker"}}
    found = problems(1, cluster={**sound()["cluster"], "kubernetes": "1.37.1"}, **docker)
    assert "containerd 2 for Kubernetes 1.37.1" in found


def test_a_bundle_is_needed_for_a_member_that_installs_from_one() -> None:
    """As for nodes."""
    member = {"etcd-1": {"address": "10.0.0.41", "containerd": {"source": "artifacts"}}}
    assert "etcd_members.etcd-1.containerd.source" in problems(1, etcd_members=member)
