"""The assembled rack: defaults merged into every machine, and what follows from roles and names."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from config import ConfigurationError, Rack, load
from config.loading import NODE_DEFAULTS
from tests.config.injections import HOST_KEY, sound


def rack(**parts: Any) -> Rack:
    """The sound rack with some parts replaced."""
    return load({**sound(), **parts}, stack="test")


def with_defaults(**defaults: Any) -> Rack:
    """The sound rack with further defaults."""
    return rack(defaults={**sound()["defaults"], **defaults})


def nodes(**more: dict[str, Any]) -> dict[str, Any]:
    """The nodes of the sound rack, some with further settings (names with _ for -)."""
    found: dict[str, Any] = sound()["nodes"]
    for name, settings in more.items():
        found[name.replace("_", "-")] |= settings
    return found


def test_machines_are_all_in_the_order_of_the_file() -> None:
    """Load balancers first, then nodes; control planes and workers are parts of them."""
    found = rack()
    assert [one.name for one in found.machines()] == ["lb-1", "cp-1", "cp-2", "cp-3", "w-1", "w-2"]
    assert [one.name for one in found.control_planes()] == ["cp-1", "cp-2", "cp-3"]
    assert [one.name for one in found.workers()] == ["w-1", "w-2"]
    assert found.machine("w-1") is found.nodes["w-1"]


def test_rack_is_frozen() -> None:
    """Nobody changes the configuration while it is used."""
    with pytest.raises(ValidationError, match="frozen"):
        rack().nodes["w-1"].connection.port = 1
    with pytest.raises(ValidationError, match="frozen"):
        rack().stack = "other"


def test_mappings_merge_and_lists_replace() -> None:
    """A machine adds to the mappings of the defaults, and replaces their lists."""
    found = rack(
        defaults={"sysctl": {"vm.swappiness": 10}, "packages": ["curl"], "connection": {"user": "me"}},
        nodes=nodes(
            w_1={"sysctl": {"vm.swappiness": "1"}, "packages": ["jq=1.7*"], "connection": {"port": 23}}
        ),
    )
    one, two = found.nodes["w-1"], found.nodes["w-2"]
    assert (one.sysctl["vm.swappiness"], two.sysctl["vm.swappiness"]) == ("1", "10")
    assert (one.package_versions, two.package_versions) == ({"jq": "1.7*"}, {"curl": ""})
    assert (one.connection.user, one.connection.port, two.connection.port) == ("me", 23, 2222)


def test_further_machines_have_the_defaults_and_no_part_in_the_cluster() -> None:
    """A store beside the cluster is prepared like any machine; its name is its own."""
    found = rack(machines={"nas": {"address": "10.0.0.90"}})
    nas = found.further["nas"]
    assert nas in found.machines() and nas.hostname == "nas"
    assert "br_netfilter" not in nas.modules
    with pytest.raises(ConfigurationError, match="a name of its own"):
        rack(machines={"lb-1": {"address": "10.0.0.90"}})


def test_nodes_have_what_kubernetes_needs_and_load_balancers_do_not() -> None:
    """Modules and kernel parameters of Kubernetes, and no swap, on nodes only."""
    found = rack()
    assert found.nodes["w-1"].sysctl == NODE_DEFAULTS["sysctl"]
    assert found.nodes["w-1"].modules == ("overlay", "br_netfilter")
    assert found.nodes["w-1"].swap == "off"
    balancer = found.load_balancers["lb-1"]
    assert (balancer.sysctl, balancer.modules, balancer.swap) == ({}, (), "keep")


def test_defaults_of_nodes_can_be_overridden() -> None:
    """The rack's defaults go over those of Kubernetes, a node's own over both."""
    found = with_defaults(sysctl={"net.ipv4.ip_forward": 0}, swap="keep")
    assert found.nodes["w-1"].sysctl["net.ipv4.ip_forward"] == "0"
    assert found.nodes["w-1"].swap == "keep"


def test_roles_become_labels_beside_the_node_s_own() -> None:
    """infra and worker are node-role labels; a control plane gets its own from kubeadm."""
    found = rack(nodes=nodes(w_2={"roles": ["infra"]}))
    rack_label = {"my.topology/rack": "one"}
    assert found.nodes["w-1"].labels == {"node-role.kubernetes.io/worker": "true", **rack_label}
    assert found.nodes["w-2"].labels == {"node-role.kubernetes.io/infra": "true"}
    assert found.nodes["cp-1"].labels == {}


def taints(found: Rack, name: str) -> list[str]:
    """A node's taints as kubectl writes them."""
    return [f"{one.key}={one.value}:{one.effect}" for one in found.nodes[name].taints]


def test_control_planes_are_tainted_unless_schedulable() -> None:
    """Ordinary pods stay away from control planes, but for those that are meant to run them."""
    own = {"key": "sd", "value": "slow", "effect": "PreferNoSchedule"}
    given = nodes(cp_2={"roles": ["control-plane", "worker"]}, cp_3={"taints": [own]})
    tainted = "node-role.kubernetes.io/control-plane=:NoSchedule"
    found = rack(nodes=given)
    assert taints(found, "cp-1") == [tainted]
    assert taints(found, "cp-2") == []
    assert taints(found, "cp-3") == [tainted, "sd=slow:PreferNoSchedule"]
    cluster = {**sound()["cluster"], "schedulable_control_planes": True}
    assert taints(rack(nodes=given, cluster=cluster), "cp-3") == ["sd=slow:PreferNoSchedule"]


def test_taint_given_by_hand_is_not_doubled() -> None:
    """Whoever writes kubeadm's taint himself has it once."""
    given = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    assert len(taints(rack(nodes=nodes(cp_1={"taints": [given]})), "cp-1")) == 1


def test_kubelet_of_a_node_goes_over_the_cluster_s() -> None:
    """One node can reserve more, and keeps what else is reserved."""
    cluster = {**sound()["cluster"], "kubelet": {"systemReserved": {"cpu": "250m", "memory": "128Mi"}}}
    found = rack(cluster=cluster, nodes=nodes(w_1={"kubelet": {"systemReserved": {"memory": "256Mi"}}}))
    assert found.nodes["w-1"].kubelet == {"systemReserved": {"cpu": "250m", "memory": "256Mi"}}
    assert found.nodes["w-2"].kubelet == {"systemReserved": {"cpu": "250m", "memory": "128Mi"}}


def test_names_follow_from_the_machine() -> None:
    """A machine's name is its host name, the stack's name the cluster's, unless said otherwise."""
    found = rack(nodes=nodes(w_1={"hostname": "erato", "domain": "example.com"}))
    assert (found.nodes["w-1"].hostname, found.nodes["w-1"].fqdn) == ("erato", "erato.example.com")
    assert (found.nodes["w-2"].hostname, found.nodes["w-2"].fqdn) == ("w-2", "w-2")
    assert found.cluster.name == "test"


def test_connection_is_complete() -> None:
    """Address, host keys and the way through a bastion follow from the machine."""
    bastion = {"address": "gate.example.com", "host_key": f"{HOST_KEY} root@gate"}
    found = rack(nodes=nodes(w_1={"connection": {"bastion": bastion, "user": "me"}}))
    connection = found.nodes["w-1"].connection_json()
    assert (connection["address"], connection["known_hosts"]) == ("10.0.0.21", "known_hosts.test")
    assert connection["bastion"]["address"] == "gate.example.com"
    assert connection["bastion"]["user"] == "me"
    assert connection["bastion"]["host_key"] == HOST_KEY
    assert connection["bastion"]["identity_file"] == connection["identity_file"]
    assert "bastion" not in found.nodes["w-2"].connection_json()


def test_connection_may_go_to_another_address() -> None:
    """A board behind a forwarded port is reached elsewhere than where the rack sees it."""
    found = rack(nodes=nodes(w_1={"connection": {"address": "gate", "port": 2201}}))
    assert found.nodes["w-1"].connection_json()["address"] == "gate"
    assert found.nodes["w-1"].address == "10.0.0.21"


def test_endpoint_that_is_a_name_stands_for_the_first_load_balancer() -> None:
    """Without a word the first load balancer answers to the endpoint's name."""
    found = rack()
    assert (found.endpoint_is_name, found.endpoint_address()) == (True, "10.0.0.9")


def test_endpoint_s_address_can_be_chosen() -> None:
    """Of two load balancers the second one may be in use."""
    cluster = {**sound()["cluster"], "endpoint_address": "10.0.0.8"}
    balancers = {**sound()["load_balancers"], "lb-2": {"address": "10.0.0.8"}}
    assert rack(cluster=cluster, load_balancers=balancers).endpoint_address() == "10.0.0.8"


def test_endpoint_that_is_an_address_needs_no_name() -> None:
    """An address stands for itself."""
    found = rack(cluster={**sound()["cluster"], "endpoint": "10.0.0.9"})
    assert (found.endpoint_is_name, found.endpoint_address()) == (False, "10.0.0.9")


def test_endpoint_without_load_balancer_is_dns_s_business_unless_there_is_one_control_plane() -> None:
    """A name that something outside of the rack serves is not written to /etc/hosts."""
    assert rack(load_balancers={}).endpoint_address() is None
    alone = {"cp-1": sound()["nodes"]["cp-1"]}
    assert rack(load_balancers={}, nodes=alone).endpoint_address() == "10.0.0.11"


def test_endpoint_may_be_an_address_outside_of_the_rack_when_no_load_balancer_is_listed() -> None:
    """A load balancer that this program does not run is given by name and address."""
    cluster = {**sound()["cluster"], "endpoint_address": "10.9.9.9"}
    assert rack(cluster=cluster, load_balancers={}).endpoint_address() == "10.9.9.9"


def test_addresses_of_services_follow_from_their_network() -> None:
    """The API is the first service address, DNS the tenth."""
    cluster = rack(cluster={**sound()["cluster"], "service_cidr": "10.233.128.0/18"}).cluster
    assert (cluster.service_address, cluster.dns_address) == ("10.233.128.1", "10.233.128.10")


def test_sandbox_image_belongs_to_the_kubernetes_version() -> None:
    """Each minor has its pause image; another one can be given."""
    older = rack(cluster={**sound()["cluster"], "kubernetes": "1.34.10"}, nodes=nodes(w_1={
        "containerd": {"sandbox_image": "registry.example.com/pause:1"}}))  # fmt: skip
    assert older.nodes["w-2"].containerd.sandbox_image == "registry.k8s.io/pause:3.10.1"
    assert older.nodes["w-1"].containerd.sandbox_image == "registry.example.com/pause:1"
    assert rack().nodes["w-2"].containerd.sandbox_image == "registry.k8s.io/pause:3.10.2"


def test_containerd_options_name_the_series() -> None:
    """The installed series is what the beginning of the package's version says."""
    found = rack(
        nodes=nodes(w_1={"containerd": {"version": "1.7.24~ds1-6", "registries": {"a.example": {}}}})
    )
    options = found.nodes["w-1"].containerd.options()
    assert (options["version"], found.nodes["w-2"].containerd.options()["version"]) == ("1.7", "")
    assert options["registries"] == {"a.example": {"mirrors": [], "insecure": False}}
    assert "source" not in options


def test_bundle_is_absent_unless_named() -> None:
    """Without artifacts everything comes from repositories and registries."""
    assert rack().artifacts is None
    artifacts = rack(artifacts={"source": "./bundle"}).artifacts
    assert artifacts is not None
    assert artifacts.source == "./bundle"
