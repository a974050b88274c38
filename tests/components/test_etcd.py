"""An external etcd as resources: what its machines get, and what control planes get instead."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components import etcd_properties, membership_properties
from components.authority import Authority
from components.cluster import Cluster
from components.etcd import ExternalEtcd
from components.etcd_certificates import digest, names, without_stacked
from components.node import ReadyNode
from components.sources import needs_image, source_of
from config import Rack
from config.machines import Taint
from providers.kinds import KINDS
from tests.components.test_program import Recorder
from tests.config.injections import sound
from tests.config.test_external_etcd import rack

PKI = "/etc/kubernetes/pki"


def register(found: Rack) -> Recorder:
    """Everything but load balancers of a rack."""
    recorder = Recorder()
    mocks.set_mocks(recorder, project="helicon", stack="test", preview=False)

    def program() -> None:
        source = source_of(found, "arm64")
        authority = Authority("authority", found)
        nodes = {name: ReadyNode(found, node, source) for name, node in found.nodes.items()}
        etcd = ExternalEtcd(found, authority, {"arm64": source})
        Cluster("cluster", found, nodes, authority, [], etcd)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return recorder


@pytest.fixture(scope="module")
def registered() -> Recorder:
    """A rack of two control planes and three members."""
    return register(rack(control_planes=2))


def plain(value: Any) -> Any:
    """A value of the mocks without its mark of secrecy."""
    return value["value"] if isinstance(value, dict) and "value" in value and len(value) == 2 else value


def test_each_member_has_its_software_its_certificates_and_its_member(registered: Recorder) -> None:
    """And no place in the cluster."""
    assert sorted(registered.of("Etcd")) == ["etcd-1-etcd", "etcd-2-etcd", "etcd-3-etcd"]
    assert "etcd-1-membership" not in registered.of("Membership")
    one = registered.made["etcd-1-etcd"].inputs
    assert one["etcd_member"]["name"] == "etcd-1"
    assert sorted(plain(one["pki"])) == [
        f"{PKI}/etcd/{name}"
        for name in (
            "ca.crt",
            "healthcheck-client.crt",
            "healthcheck-client.key",
            "peer.crt",
            "peer.key",
            "server.crt",
            "server.key",
        )
    ]


def test_a_member_s_certificates_answer_to_its_own_names() -> None:
    """Host name, address and loopback, of that member alone; with its domain where it has one."""
    defaults = {"subnet": "10.0.0.0/24", "domain": "intra.example.test"}
    member = rack(defaults=defaults).etcd_members["etcd-2"]
    assert names(member) == (
        ["etcd-2", "etcd-2.intra.example.test", "localhost"],
        ["10.0.0.42", "127.0.0.1", "::1"],
    )


def test_a_member_is_server_and_client_of_the_others(registered: Recorder) -> None:
    """Peers show each other the same certificate in both directions; health checks only ask."""
    both = registered.made["authority-etcd-etcd-2-peer"].inputs["allowedUses"]
    assert {"server_auth", "client_auth"} <= set(both)
    asks = registered.made["authority-etcd-healthcheck-client"].inputs["allowedUses"]
    assert "server_auth" not in asks


def test_control_planes_are_clients_of_it(registered: Recorder) -> None:
    """They have the certificate of a client, the CA to trust, and not the CA's key."""
    files = plain(registered.made["cp-1-membership"].inputs["pki"])
    etcd = {path for path in files if "etcd" in path}
    client = f"{PKI}/apiserver-etcd-client"
    assert etcd == {f"{PKI}/etcd/ca.crt", f"{client}.crt", f"{client}.key"}


def test_stacked_control_planes_are_as_before() -> None:
    """Without etcd_members there is no further certificate, and each control plane keeps the CA's key."""
    found = register(rack(etcd_members={}))
    assert not found.of("Etcd")
    assert not [name for name in found.made if "apiserver-etcd-client" in name]
    assert f"{PKI}/etcd/ca.key" in plain(found.made["cp-1-membership"].inputs["pki"])


def test_kubeadm_is_told_where_etcd_is() -> None:
    """Endpoints of all members, and the files that control planes have."""
    cluster = membership_properties.cluster_configuration(rack())
    assert cluster["etcd"] == {
        "external": {
            "endpoints": [f"https://10.0.0.4{one}:2379" for one in (1, 2, 3)],
            "caFile": f"{PKI}/etcd/ca.crt",
            "certFile": f"{PKI}/apiserver-etcd-client.crt",
            "keyFile": f"{PKI}/apiserver-etcd-client.key",
        }
    }


def test_another_member_changes_no_other_machine() -> None:
    """Who the members are is found out on the machines."""
    three, five = rack(3), rack(5)
    for one in three.etcd_members.values():
        assert etcd_properties.member(three, one, "ca") == etcd_properties.member(five, one, "ca")


def test_the_cluster_s_options_of_etcd_hold_for_members() -> None:
    """Quota, heartbeat and memory, and where the data is."""
    options = {
        "heartbeat_interval": 500,
        "election_timeout": 5000,
        "memory_limit": "1Gi",
        "data_dir": "/data/etcd",
    }
    cluster = {"kubernetes": "1.36.3", "endpoint": "api.example.com", "etcd": options}
    found = rack(cluster=cluster)
    member = etcd_properties.member(found, found.etcd_members["etcd-1"], "ca")
    assert member["args"]["heartbeat-interval"] == "500"
    assert member["container"] == {"resources": {"limits": {"memory": "1Gi"}}}
    assert member["data_directory"] == "/data/etcd"
    assert KINDS["Etcd"].plan({"etcd_member": member}, {"etcd_member": member}) == []


def test_the_kubelet_of_a_member_has_no_cluster() -> None:
    """What the rack says of all kubelets cannot make it ask an API server."""
    cluster = {
        "kubernetes": "1.36.3",
        "endpoint": "api.example.com",
        "kubelet": {"serverTLSBootstrap": True, "maxPods": 20},
    }
    found = rack(cluster=cluster)
    wanted = etcd_properties.software(found, found.etcd_members["etcd-1"], source_of(found, "arm64"))
    assert wanted["kubelet_config"]["serverTLSBootstrap"] is False
    assert wanted["kubelet_config"]["maxPods"] == 20
    assert wanted["kubelet_config"]["staticPodPath"] == "/etc/kubernetes/manifests"
    assert "node-ip" not in wanted["kubelet"]["extra_args"]
    assert {"containerd", "kubelet"} <= wanted["packages"].keys()


@pytest.mark.parametrize(
    ("ref", "members", "workers", "control_planes"),
    [
        ("registry.k8s.io/etcd:3.6.8-0", True, False, True),
        ("registry.k8s.io/pause:3.10.2", True, True, True),
        ("registry.k8s.io/kube-proxy:v1.36.3", False, True, True),
        ("registry.k8s.io/kube-apiserver:v1.36.3", False, False, True),
        ("registry.k8s.io/metrics-server/metrics-server:v0.9.0", False, True, False),
    ],
)
def test_a_machine_gets_the_images_that_it_runs(
    ref: str, members: bool, workers: bool, control_planes: bool
) -> None:
    """Of a bundle, a member imports etcd and pause."""
    found = rack()
    machines = (found.etcd_members["etcd-1"], found.nodes["w-1"], found.nodes["cp-1"])
    assert [needs_image(one, ref) for one in machines] == [members, workers, control_planes]


def test_metrics_server_runs_where_no_taint_keeps_it_out() -> None:
    """A preference keeps nothing out; control planes that take all pods take this one."""
    ref = "registry.k8s.io/metrics-server/metrics-server:v0.9.0"
    node = rack().nodes["w-1"]
    for effect, runs in {"NoSchedule": False, "PreferNoSchedule": True, "NoExecute": False}.items():
        taint = Taint.model_validate({"key": "example.test/own", "effect": effect})
        assert needs_image(node.model_copy(update={"taints": (taint,)}), ref) is runs
    found = rack(cluster={**sound()["cluster"], "schedulable_control_planes": True})
    assert needs_image(found.nodes["cp-1"], ref)


def test_another_ca_is_another_digest() -> None:
    """It starts the members anew; what is not known yet has a digest, too."""
    assert digest("one") != digest("two")
    assert digest("")
    assert without_stacked({f"{PKI}/ca.key": "a", f"{PKI}/etcd/ca.key": "b", f"{PKI}/etcd/ca.crt": "c"}) == {
        f"{PKI}/ca.key": "a",
        f"{PKI}/etcd/ca.crt": "c",
    }
