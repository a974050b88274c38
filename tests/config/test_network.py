"""A machine's own network in the configuration: opt-in, inherited, and sound at its limits."""

from __future__ import annotations

from typing import Any

import pytest

from components import properties
from config import ConfigurationError, load
from config.problems import Path
from tests.config.injections import sound


def rack(**network: Any) -> dict[str, Any]:
    """A rack whose w-1 has a static network."""
    raw = sound()
    raw["nodes"]["w-1"]["network"] = network
    return raw


def problems(raw: dict[str, Any]) -> dict[Path, str]:
    """What is wrong with a rack, by path."""
    try:
        load(raw, stack="test")
    except ConfigurationError as error:
        return {problem.path: str(problem) for problem in error.problems}
    return {}


AT: Path = ("nodes", "w-1", "network")


@pytest.mark.parametrize(
    ("network", "path", "says"),
    [
        ({}, None, ""),
        ({"gateway": "10.0.0.1", "dns": ["10.0.0.2"], "resolv_conf": "static"}, None, ""),
        ({"gateway": "10.0.1.1"}, (*AT, "gateway"), 'For example "10.0.0.1"'),
        ({"gateway": "10.0.0.21"}, (*AT, "gateway"), "another machine's address"),
        ({"resolv_conf": "static"}, (*AT, "resolv_conf"), "no name server"),
        ({"resolv_conf": "none", "dns": ["10.0.0.2"]}, (*AT, "resolv_conf"), "keep or static"),
        ({"dns": ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]}, (*AT, "dns"), ""),
        ({"interface": "eth0; reboot"}, (*AT, "interface"), "ip link"),
        ({"deadline": 5}, (*AT, "deadline"), ""),
    ],
)
def test_what_a_network_must_be(network: dict[str, Any], path: Path | None, says: str) -> None:
    """Each mistake has its path and its cure; an empty network is the address alone."""
    found = problems(rack(**network))
    assert list(found) == ([path] if path else [])
    assert all(says in one for one in found.values())


def test_a_prefix_is_needed() -> None:
    """It comes from the subnet."""
    raw = rack()
    del raw["defaults"]["subnet"]
    assert list(problems(raw)) == [("nodes", "w-1", "subnet")]


def test_nothing_said_is_nothing_managed() -> None:
    """Only the machine that asks for it has a network of its own."""
    loaded = load(rack(gateway="10.0.0.1"), stack="test")
    assert properties.network(loaded.machine("w-2")) == {}
    assert properties.network(loaded.machine("w-1"))["network"] == {
        "interface": "",
        "address": "10.0.0.21/24",
        "gateway": "10.0.0.1",
        "dns": [],
        "search": [],
        "resolv_conf": "keep",
        "deadline": 60,
        "restore": False,
    }


def test_defaults_hold_for_every_machine() -> None:
    """One gateway for the rack; a machine that keeps what it has says so."""
    raw = sound()
    raw["defaults"]["network"] = {"gateway": "10.0.0.1", "dns": ["10.0.0.2"]}
    raw["nodes"]["w-2"]["network"] = None
    loaded = load(raw, stack="test")
    static = [one.name for one in loaded.machines() if properties.network(one)]
    assert static == ["lb-1", "cp-1", "cp-2", "cp-3", "w-1"]
    assert properties.network(loaded.machine("lb-1"))["network"]["address"] == "10.0.0.9/24"


def test_a_wrong_gateway_in_the_defaults_is_reported_there() -> None:
    """Once, not for each machine."""
    raw = sound()
    raw["defaults"]["network"] = {"gateway": "10.9.9.9"}
    assert list(problems(raw)) == [("defaults", "network", "gateway")]


def test_nodes_keep_pods_interfaces_from_networkmanager() -> None:
    """By default, on nodes only; an empty list leaves it alone."""
    raw = sound()
    raw["nodes"]["w-2"]["unmanaged_interfaces"] = []
    loaded = load(raw, stack="test")
    shown = {
        one.name: properties.system(loaded, one).get("unmanaged_interfaces") for one in loaded.machines()
    }
    assert shown["lb-1"] is None
    assert shown["w-2"] is None
    assert "flannel*" in (shown["w-1"] or [])
