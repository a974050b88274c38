"""Zones and forwarding: the example with a LAN and a DMZ, and every mistake that is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import ConfigurationError, load, load_file
from config.loading import check, read_file
from config.problems import render
from config.schema import schema
from tests.config.injections import sound
from tests.config.schema_check import violations

EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "examples" / "Pulumi.lan-dmz.yaml"
Raw = dict[str, Any]
DMZ: Raw = {"endpoint": "api.dmz.example.test"}


def zoned() -> Raw:
    """The sound rack with a DMZ: one load balancer and one worker."""
    raw = sound()
    raw["zones"] = {"dmz": copy.deepcopy(DMZ)}
    raw["load_balancers"]["lb-2"] = {"address": "10.0.0.10", "zone": "dmz"}
    raw["nodes"]["w-2"]["zone"] = "dmz"
    return raw


def lines(raw: Raw) -> list[str]:
    """The problems as they are printed."""
    return [str(one) for one in check(raw).problems]


def test_the_example_is_sound() -> None:
    """Each zone has its endpoint, its load balancer and its workers."""
    rack = load_file(EXAMPLE)
    found: Any = yaml.safe_load(EXAMPLE.read_text())
    assert violations(found, schema(), schema()) == []
    assert {name: (one.endpoint, one.endpoint_address) for name, one in rack.endpoints().items()} == {
        "": ("api.lan.example.test", "192.168.10.45"),
        "dmz": ("api.dmz.example.test", "192.168.5.45"),
    }
    assert [one.name for one in rack.balancers_of("dmz")] == ["prdinfhap511"]
    assert [one.name for one in rack.nodes_of("dmz", ["worker"])] == ["prdk8swok511", "prdk8swok512"]
    assert [one.name for one in rack.nodes_of("", ["worker"])] == ["prdk8swok501", "prdk8swok502"]


def test_the_mistake_of_the_procedure_is_refused() -> None:
    """The DMZ's load balancer and its first worker cannot have one address; both are named."""
    raw: Any = read_file(EXAMPLE)
    raw["load_balancers"]["prdinfhap511"]["address"] = "192.168.5.57"
    with pytest.raises(ConfigurationError) as error:
        load(raw, stack="lan-dmz")
    (problem,) = error.value.problems
    assert str(problem) == (
        'nodes.prdk8swok511.address: expected an address of its own, found "192.168.5.57". '
        "load_balancers.prdinfhap511.address has it already."
    )


def test_a_rack_without_zones_is_one_zone() -> None:
    """Everything belongs to the cluster's own."""
    rack = load(sound(), stack="test")
    assert list(rack.endpoints()) == [""]
    assert rack.zone().endpoint_address == rack.endpoint_address() == "10.0.0.9"
    assert {rack.zone_of(one) for one in rack.machines()} == {""}


def test_a_zone_s_load_balancer_does_not_serve_the_cluster_s_endpoint() -> None:
    """Whatever its place in the file."""
    raw = zoned()
    raw["load_balancers"] = dict(reversed(raw["load_balancers"].items()))
    rack = load(raw, stack="test")
    assert (rack.endpoint_address(), rack.endpoint_address("dmz")) == ("10.0.0.9", "10.0.0.10")
    raw["cluster"]["endpoint_address"] = "10.0.0.10"
    assert [line.partition(":")[0] for line in lines(raw)] == ["cluster.endpoint_address"]


def test_an_external_load_balancer_may_serve_a_zone() -> None:
    """One that the user runs, by its address, or by a name that stands for it."""
    raw = zoned()
    del raw["load_balancers"]["lb-2"]
    raw["zones"]["dmz"]["endpoint_address"] = "10.9.9.9"
    assert load(raw, stack="test").endpoint_address("dmz") == "10.9.9.9"
    raw["zones"]["dmz"] = {"endpoint": "10.9.9.9"}
    assert load(raw, stack="test").endpoint_address("dmz") == "10.9.9.9"


def test_of_several_load_balancers_one_can_be_chosen() -> None:
    """The first one, unless the zone says otherwise."""
    raw = zoned()
    raw["load_balancers"]["lb-3"] = {"address": "10.0.0.8", "zone": "dmz"}
    assert load(raw, stack="test").endpoint_address("dmz") == "10.0.0.10"
    raw["zones"]["dmz"]["endpoint_address"] = "10.0.0.8"
    assert load(raw, stack="test").endpoint_address("dmz") == "10.0.0.8"


def _set(raw: Raw, path: str, value: Any) -> Raw:
    *above, last = path.split(" ")
    inside = raw
    for step in above:
        inside = inside.setdefault(step, {})
    inside[last] = value
    return raw


HTTP = {"port": 80, "node_port": 30080}
MISTAKES = [
    ("nodes w-2 zone", "dmzz", "nodes.w-2.zone", 'Did you mean "dmz"?'),
    ("load_balancers lb-2 zone", "dmzz", "load_balancers.lb-2.zone", 'Did you mean "dmz"?'),
    ("zones lan", {"endpoint": "api.lan.example.test"}, "zones.lan", "zone: lan"),
    ("zones dmz endpoint", "api.example.com", "zones.dmz.endpoint", "cluster.endpoint is the same"),
    ("zones dmz endpoint", "10.0.0.9", "zones.dmz.endpoint", 'Did you mean "10.0.0.10"?'),
    ("zones dmz endpoint_address", "10.0.0.9", "zones.dmz.endpoint_address", 'Did you mean "10.0.0.10"?'),
    ("zones dmz endpiont", "a", "zones.dmz.endpiont", 'Did you mean "endpoint"?'),
    ("zones DMZ", DMZ | {"endpoint_address": "10.9.9.9"}, "zones.DMZ", "lower-case"),
    ("zones", [], "zones", "its name first"),
    ("zones dmz endpoint_port", 22, "zones.dmz.endpoint_port", "Choose another port"),
    ("zones dmz forward", {"http": HTTP | {"port": 6443}}, "zones.dmz.forward.http.port", "6443 (the API)"),
    ("cluster forward", {"a": HTTP, "b": HTTP}, "cluster.forward.b.port", "80 (forward a)"),
    (
        "load_balancers lb-2 haproxy",
        {"stats": {"enabled": True, "port": 6443}},
        "load_balancers.lb-2.haproxy.stats.port",
        "a port that is free on lb-2",
    ),
    (
        "zones dmz forward",
        {"http": HTTP | {"to_roles": ["infra"]}},
        "zones.dmz.forward.http.to_roles",
        "Write one of: worker.",
    ),
    ("cluster forward", {"http": HTTP | {"node_port": 80000}}, "cluster.forward.http.node_port", "32767"),
    (
        "cluster forward",
        {"http": HTTP | {"to_roles": ["wroker"]}},
        "cluster.forward.http.to_roles[0]",
        'Did you mean "worker"?',
    ),
]


@pytest.mark.parametrize(("at", "value", "path", "says"), MISTAKES)
def test_a_mistake_is_told_where_it_was_made(at: str, value: Any, path: str, says: str) -> None:
    """With what to write instead."""
    problems = check(_set(zoned(), at, value)).problems
    found = {render(one.path): str(one) for one in problems}
    assert path in found, list(found.values())
    assert says in found[path]


def test_a_zone_that_is_not_listed_anywhere_is_shown_how_to_be() -> None:
    """Where there are no zones at all."""
    raw = sound()
    raw["nodes"]["w-1"]["zone"] = "dmz"
    assert lines(raw) == [
        'nodes.w-1.zone: expected a zone listed under zones, found "dmz". Add zones: {dmz: {endpoint: NAME}}.'
    ]


def test_what_is_forwarded_needs_a_load_balancer() -> None:
    """A rack without one cannot forward."""
    raw = sound()
    del raw["load_balancers"]["lb-1"]
    raw["cluster"]["forward"] = {"http": HTTP}
    assert [line.partition(":")[0] for line in lines(raw)] == ["cluster.forward"]
