"""Three ways to one endpoint: load balancers that share an address, control planes that do, and somebody else's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components import properties, virtual_ip
from components.authority import Authority
from components.balancing import balancer
from components.cluster import Cluster
from components.load_balancer import LoadBalancer
from components.node import ReadyNode
from components.sources import Internet
from config import Rack, load
from tests.components.test_program import Recorder
from tests.config.injections import sound


def rack(balancers: Sequence[str] = ("lb-1", "lb-2"), **cluster: Any) -> Rack:
    """The sound rack with so many load balancers and other settings of the cluster."""
    raw = sound()
    raw["load_balancers"] = {name: {"address": f"10.0.0.{at + 5}"} for at, name in enumerate(balancers)}
    raw["cluster"] |= cluster
    return load(raw, stack="test")


def registered(one: Rack) -> tuple[Recorder, dict[str, Any]]:
    """Everything that the program registers on the machines of a rack, and the kubeconfig."""
    recorder, found = Recorder(), {}
    mocks.set_mocks(recorder, project="helicon", stack="test", preview=False)

    def program() -> Any:
        source = Internet(one)
        authority = Authority("authority", one)
        balancers = [LoadBalancer(one, name, source) for name in one.load_balancers]
        nodes = {name: ReadyNode(one, node, source) for name, node in one.nodes.items()}
        Cluster("cluster", one, nodes, authority, balancers)
        return authority.kubeconfig.apply(lambda text: found.update(json.loads(text)))

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return recorder, found


def server(kubeconfig: dict[str, Any]) -> str:
    """Where a kubeconfig finds the API."""
    return str(kubeconfig["clusters"][0]["cluster"]["server"])


PAIR = rack(vip={"address": "10.0.0.50"})
CONTROL_PLANES = rack((), vip={"address": "10.0.0.50", "on": "control-planes"}, endpoint_port=8443)


def test_a_pair_of_load_balancers_shares_the_address() -> None:
    """Each knows the other; both are equal, so that the address moves only when it must."""
    recorder, kubeconfig = registered(PAIR)
    found = {name: args.inputs for name, args in recorder.of("Balancer").items()}
    assert sorted(found) == ["lb-1-balancer", "lb-2-balancer"]
    first, second = (found[name]["keepalived"] for name in sorted(found))
    assert (first["source"], first["peers"]) == ("10.0.0.5", ["10.0.0.6"])
    assert (second["source"], second["peers"]) == ("10.0.0.6", ["10.0.0.5"])
    assert (first["priority"], second["priority"], first["router_id"]) == (200, 200, 50)
    assert {"haproxy", "keepalived", "curl"} <= set(found["lb-1-balancer"]["packages"])
    assert server(kubeconfig) == "https://10.0.0.50:6443"


def test_control_planes_share_it_with_haproxy_beside_the_api_server() -> None:
    """On each of them, before it joins; on workers nothing."""
    recorder, kubeconfig = registered(CONTROL_PLANES)
    found = {name: args.inputs for name, args in recorder.of("Balancer").items()}
    assert sorted(found) == ["cp-1-balancer", "cp-2-balancer", "cp-3-balancer"]
    one = found["cp-1-balancer"]
    assert one["haproxy"]["bind"] == 8443
    assert one["haproxy"]["backends"]["cp-2"] == "10.0.0.12:6443"
    assert one["keepalived"]["peers"] == ["10.0.0.12", "10.0.0.13"]
    assert one["keepalived"]["check"]["port"] == 8443
    assert "repositories" not in one
    assert server(kubeconfig) == "https://10.0.0.50:8443"


def test_an_endpoint_that_the_user_runs_needs_no_machine_of_ours() -> None:
    """No balancer is made; machines and users reach the API there."""
    outside = rack((), endpoint_address="192.0.2.7", endpoint_port=443)
    recorder, kubeconfig = registered(outside)
    assert recorder.of("Balancer") == {}
    assert len(recorder.of("Membership")) == len(outside.nodes)
    assert server(kubeconfig) == "https://192.0.2.7:443"
    for machine in outside.machines():
        assert properties.hosts(outside, machine)["192.0.2.7"] == ["api.example.com"]


@pytest.mark.parametrize("one", [PAIR, CONTROL_PLANES], ids=["load balancers", "control planes"])
def test_all_machines_find_the_endpoint_at_the_virtual_address(one: Rack) -> None:
    """In /etc/hosts, whoever holds it."""
    for machine in one.machines():
        hosts = properties.hosts(one, machine)
        assert hosts["10.0.0.50"] == ["api.example.com"]
        assert all(names != ["api.example.com"] for at, names in hosts.items() if at != "10.0.0.50")


def test_priorities_fall_in_the_order_of_the_file_where_there_is_preemption() -> None:
    """Unless one is given."""
    vip = {"address": "10.0.0.50", "preempt": True, "priorities": {"lb-2": 150}}
    one = rack(("lb-1", "lb-2", "lb-3"), vip=vip)
    assert one.cluster.vip is not None
    found = [virtual_ip.keepalived(one, one.cluster.vip, machine) for machine in one.balancers_of()]
    assert [options["priority"] for options in found] == [200, 150, 198]


def test_multicast_names_no_peers() -> None:
    """Whoever shares the group's number answers."""
    one = rack(vip={"address": "10.0.0.50", "unicast": False})
    found = virtual_ip.on_load_balancer(one, one.balancers_of()[0], {"packages": {}})
    assert found["keepalived"]["peers"] == []


def test_without_a_virtual_address_nothing_changes() -> None:
    """A load balancer keeps exactly the properties that it had."""
    one = rack()
    machine = one.balancers_of()[0]
    plain = balancer(one, machine)
    assert virtual_ip.on_load_balancer(one, machine, plain) == plain
    assert [virtual_ip.beside_api_server(one, node) for node in one.nodes.values()] == [{}] * 5


def test_packages_of_the_node_s_own_are_not_managed_twice() -> None:
    """What the stack file lists is the node's software already."""
    raw = sound()
    raw["load_balancers"] = {}
    raw["cluster"] |= {"vip": {"address": "10.0.0.50", "on": "control-planes"}, "endpoint_port": 8443}
    raw["defaults"]["packages"] = ["curl"]
    one = load(raw, stack="test")
    assert sorted(virtual_ip.beside_api_server(one, one.nodes["cp-1"])["packages"]) == [
        "haproxy",
        "keepalived",
    ]
