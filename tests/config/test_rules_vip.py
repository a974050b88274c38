"""Rules about virtual addresses, and what follows from one."""

from __future__ import annotations

from typing import Any

import pytest

from config import ConfigurationError, load
from config.vip import Vip
from tests.config.injections import sound


def pair(vip: dict[str, Any], **cluster: Any) -> dict[str, Any]:
    """The sound rack with a second load balancer and a virtual address at 10.0.0.50, unless told otherwise."""
    raw = sound()
    raw["load_balancers"]["lb-2"] = {"address": "10.0.0.8"}
    raw["cluster"] |= {"vip": {"address": "10.0.0.50", **vip}, **cluster}
    return raw


def problems(raw: dict[str, Any]) -> list[str]:
    """What is said against a rack, one line each."""
    try:
        load(raw, stack="test")
    except ConfigurationError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("vip", "cluster"),
    [
        ({}, {}),
        ({"router_id": 7, "interface": "end0", "unicast": False}, {}),
        ({"advert_interval": "1s"}, {}),
        ({"preempt": True, "priorities": {"lb-2": 150}}, {}),
        ({}, {"endpoint": "10.0.0.50"}),
        ({}, {"endpoint_address": "10.0.0.50"}),
        ({"on": "control-planes"}, {"endpoint_port": 8443}),
    ],
)
def test_sound_ones(vip: dict[str, Any], cluster: dict[str, Any]) -> None:
    """On load balancers or control planes, behind a name or as the endpoint itself."""
    assert problems(pair(vip, **cluster)) == []


@pytest.mark.parametrize(
    ("vip", "cluster", "says"),
    [
        ({"address": "10.0.0.21"}, {}, "cluster.vip.address: expected an address of its own, "),
        ({"address": "10.0.1.50"}, {}, "cluster.vip.address: expected an address inside 10.0.0.0/24"),
        ({"address": "10.0.0.255"}, {}, "cluster.vip.address: expected an address inside 10.0.0.0/24"),
        ({"address": "10.0.0"}, {}, "cluster.vip.address: expected an IPv4 address"),
        ({}, {"endpoint_address": "10.0.0.9"}, "cluster.endpoint_address: expected the virtual address"),
        ({}, {"endpoint": "10.0.0.9"}, "cluster.endpoint: expected the virtual address (10.0.0.50)"),
        ({}, {"endpoint": "10.0.0.99"}, 'Did you mean "10.0.0.50"?'),
        (
            {"on": "control-planes"},
            {},
            "cluster.endpoint_port: expected a port that is free on control planes",
        ),
        ({"on": "control-planes"}, {"endpoint_port": 10250}, "found 10250 (the kubelet)"),
        ({"on": "workers"}, {}, "cluster.vip.on: expected"),
        ({"router_id": 256}, {}, "cluster.vip.router_id: expected at most 255"),
        ({"advert_interval": "45ms"}, {}, "cluster.vip.advert_interval: expected a time from 50ms to 40s"),
        ({"advert_interval": "505ms"}, {}, "in steps of 10ms"),
        ({"advert_interval": "1m"}, {}, "cluster.vip.advert_interval"),
        ({"priorities": {"lb-1": 150}}, {}, "cluster.vip.priorities: expected preempt: true"),
        (
            {"preempt": True, "priorities": {"lb-3": 150}},
            {},
            "cluster.vip.priorities.lb-3: expected a machine",
        ),
        (
            {"preempt": True, "priorities": {"lb-1": 100}},
            {},
            "cluster.vip.priorities.lb-1: expected at least 101",
        ),
        ({"check": {"fall": 0}}, {}, "cluster.vip.check.fall: expected at least 1"),
    ],
)
def test_each_mistake_is_named_once(vip: dict[str, Any], cluster: dict[str, Any], says: str) -> None:
    """With its path, and what to write."""
    (problem,) = problems(pair(vip, **cluster))
    assert says in problem


def test_one_machine_alone_shares_nothing() -> None:
    """The reason is given; control planes alone are refused as load balancers are."""
    raw = pair({})
    del raw["load_balancers"]["lb-2"]
    (problem,) = problems(raw)
    assert "cluster.vip: expected at least two load-balancers that share it, found lb-1" in problem
    assert "its own address is as good" in problem
    raw = pair({"on": "control-planes"}, endpoint_port=8443)
    del raw["nodes"]["cp-2"], raw["nodes"]["cp-3"]
    (problem,) = problems(raw)
    assert "at least two control-planes" in problem


def test_a_machine_left_out_for_a_mistake_of_its_own_is_no_second_problem() -> None:
    """Only that mistake is reported."""
    raw = pair({})
    raw["load_balancers"]["lb-2"]["address"] = "10.0.0"
    (problem,) = problems(raw)
    assert problem.startswith("load_balancers.lb-2.address")


def with_zone(vip: dict[str, Any]) -> dict[str, Any]:
    """A pair of load balancers for the cluster, and one for a DMZ."""
    raw = pair({})
    raw["zones"] = {"dmz": {"endpoint": "api.dmz.example.com", "vip": vip}}
    place = {"subnet": "10.0.2.0/24", "zone": "dmz"}
    raw["load_balancers"] |= {f"dmz-{at}": {"address": f"10.0.2.{at}", **place} for at in (1, 2)}
    return raw


def test_a_zone_has_a_virtual_address_of_its_own() -> None:
    """Its endpoint stands for that."""
    raw = with_zone({"address": "10.0.2.51"})
    assert problems(raw) == []
    rack = load(raw, stack="test")
    assert (rack.endpoint_address(), rack.endpoint_address("dmz")) == ("10.0.0.50", "10.0.2.51")


@pytest.mark.parametrize(
    ("vip", "says"),
    [
        ({"address": "10.0.2.50"}, "zones.dmz.vip.router_id: expected a number that no other"),
        ({"address": "10.0.2.50", "router_id": 50}, "Write for example router_id: 1."),
        ({"address": "10.0.0.51"}, "zones.dmz.vip.address: expected an address inside 10.0.2.0/24"),
        ({"address": "10.0.2.51", "on": "control-planes"}, "zones.dmz.vip.on: expected load-balancers"),
    ],
)
def test_a_zone_s_mistakes_are_named(vip: dict[str, Any], says: str) -> None:
    """Groups have numbers of their own, and control planes share only the cluster's address."""
    found = [problem for problem in problems(with_zone(vip)) if says in problem]
    assert len(found) == 1


def test_the_group_s_number_is_the_last_byte_unless_given() -> None:
    """VRRP's numbers begin with 1."""
    numbers = [Vip(address=one).group for one in ("10.0.0.50", "10.0.1.0")]
    assert [*numbers, Vip(address="10.0.0.50", router_id=9).group] == [50, 1, 9]


def test_an_endpoint_that_the_user_runs_needs_a_name() -> None:
    """The suggestion says how it is written."""
    raw = {**sound(), "load_balancers": {}}
    raw["cluster"]["endpoint"] = "192.0.2.7"
    (problem,) = problems(raw)
    assert "gets a name, and endpoint_address: 192.0.2.7" in problem
    raw["cluster"] |= {"endpoint": "api.example.com", "endpoint_address": "192.0.2.7"}
    assert problems(raw) == []
