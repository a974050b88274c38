"""What zones mean for each machine: the example with a LAN and a DMZ, as the properties of its resources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components import properties
from components.balancing import balancer
from components.membership_properties import membership
from config import Rack, load_file
from config.loading import load, read_file
from providers.balancing import haproxy_config
from providers.core.options import complete, whole
from providers.membership import kubeadm_config

EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "examples" / "Pulumi.lan-dmz.yaml"
LAN, DMZ = "192.168.10.45", "192.168.5.45"


@pytest.fixture(scope="module")
def rack() -> Rack:
    """The example."""
    return load_file(EXAMPLE)


def haproxy(rack: Rack, name: str) -> dict[str, Any]:
    """HAProxy's property on one load balancer."""
    found: dict[str, Any] = balancer(rack, rack.load_balancers[name])["haproxy"]
    return found


def test_every_load_balancer_knows_all_control_planes(rack: Rack) -> None:
    """Whatever its zone."""
    for name in rack.load_balancers:
        assert haproxy(rack, name)["backends"] == {"prdk8smst501": "192.168.10.56:6443"}


def test_a_load_balancer_forwards_to_its_own_zone_alone(rack: Rack) -> None:
    """Workers of the DMZ take nothing from the LAN, nor the other way round."""
    lan, dmz = (haproxy(rack, name)["forwards"]["https"] for name in ("prdinfhap501", "prdinfhap511"))
    assert lan["servers"] == {
        "prdk8swok501": "192.168.10.57:30443",
        "prdk8swok502": "192.168.10.58:30443",
    }
    assert dmz["servers"] == {"prdk8swok511": "192.168.5.57:30443", "prdk8swok512": "192.168.5.58:30443"}
    assert (lan["proxy_protocol"], dmz["proxy_protocol"]) == (False, True)


def test_options_come_back_from_the_file_as_they_were_given(rack: Rack) -> None:
    """Nothing of a zone's load balancer would differ after it was written."""
    options = complete(haproxy_config.DEFAULTS, whole(haproxy(rack, "prdinfhap511")))  # type: ignore[arg-type]
    assert haproxy_config.parse(haproxy_config.text(options)) == options


def test_infra_nodes_take_the_connections_where_asked_to(rack: Rack) -> None:
    """By their role."""
    raw: Any = read_file(EXAMPLE)
    raw["nodes"]["prdk8swok502"]["roles"] = ["infra"]
    raw["cluster"]["forward"]["http"]["to_roles"] = ["infra"]
    forwards = haproxy(load(raw, stack="x"), "prdinfhap501")["forwards"]
    assert list(forwards["http"]["servers"]) == ["prdk8swok502"]
    assert list(forwards["https"]["servers"]) == ["prdk8swok501"]


def test_each_machine_knows_its_own_zone_alone(rack: Rack) -> None:
    """In the DMZ the cluster's own endpoint, too, is the DMZ's load balancer: for kube-proxy and the join."""
    lan, dmz = rack.nodes["prdk8swok501"], rack.nodes["prdk8swok511"]
    assert properties.hosts(rack, lan) == {
        LAN: ["prdinfhap501", "api.lan.example.test"],
        "192.168.10.57": ["prdk8swok501"],
    }
    assert properties.hosts(rack, dmz) == {
        DMZ: ["prdinfhap511", "api.dmz.example.test", "api.lan.example.test"],
        "192.168.5.57": ["prdk8swok511"],
    }
    assert properties.hosts(rack, rack.load_balancers["prdinfhap511"]) == {
        DMZ: ["prdinfhap511", "api.dmz.example.test", "api.lan.example.test"]
    }


def test_a_machine_that_wants_to_know_the_whole_rack_does() -> None:
    """Every machine by its host name, and the endpoint of its zone as ever."""
    raw: Any = read_file(EXAMPLE)
    raw["nodes"]["prdk8swok501"]["hosts"] = "rack"
    rack = load(raw, stack="x")
    known = properties.hosts(rack, rack.nodes["prdk8swok501"])
    assert {one.hostname for one in rack.machines()} <= {name for names in known.values() for name in names}
    assert known[LAN] == ["prdinfhap501", "api.lan.example.test"]


def test_a_node_joins_and_stays_by_its_zone_s_endpoint(rack: Rack) -> None:
    """The cluster's endpoint stays what it joined; discovery and the kubelet go by the zone's."""
    wanted = membership(rack, rack.nodes["prdk8swok511"], "sha256:aa")
    assert wanted["endpoint"] == "api.dmz.example.test:6443"
    assert wanted["kubeadm"]["endpoint"] == "api.lan.example.test:6443"
    document = yaml.safe_load(kubeadm_config.join(wanted["kubeadm"], token="abcdef.0123456789abcdef"))
    discovery = document["discovery"]["bootstrapToken"]
    assert discovery["apiServerEndpoint"] == "api.dmz.example.test:6443"


def test_nodes_of_the_cluster_s_own_zone_are_as_without_zones(rack: Rack) -> None:
    """kubeadm writes the right endpoint for them."""
    for name in ("prdk8smst501", "prdk8swok501"):
        wanted = membership(rack, rack.nodes[name], "sha256:aa")
        assert "endpoint" not in wanted
        assert "discovery" not in wanted["kubeadm"]


def test_a_control_plane_in_a_zone_talks_to_its_own_api_server() -> None:
    """Its kubelet needs no endpoint; it joins by the zone's."""
    raw: Any = read_file(EXAMPLE)
    raw["nodes"]["prdk8smst501"]["zone"] = "dmz"
    rack = load(raw, stack="x")
    wanted = membership(rack, rack.nodes["prdk8smst501"], "sha256:aa")
    assert "endpoint" not in wanted
    assert wanted["kubeadm"]["discovery"] == "api.dmz.example.test:6443"


def test_another_port_of_a_zone_is_served_beside_the_cluster_s() -> None:
    """kube-proxy comes by the cluster's, the zone's kubelets by their own."""
    raw: Any = read_file(EXAMPLE)
    raw["zones"]["dmz"]["endpoint_port"] = 8443
    rack = load(raw, stack="x")
    found = haproxy(rack, "prdinfhap511")
    assert (found["bind"], found["further_binds"]) == (8443, [6443])
    assert "further_binds" not in haproxy(rack, "prdinfhap501")
