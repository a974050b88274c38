"""What a control plane is told of the cluster and of its own pods."""

from __future__ import annotations

from typing import Any

from components.membership_properties import containers, membership
from tests.config.test_control_plane import cluster
from tests.config.test_rack import rack


def told(**parts: Any) -> dict[str, Any]:
    """The kubeadm property of a control plane whose cluster has these settings."""
    found = rack(cluster=cluster(**parts))
    kubeadm: dict[str, Any] = membership(found, found.nodes["cp-1"], "ca")["kubeadm"]
    return kubeadm


def test_an_api_server_says_that_it_goes_before_it_goes() -> None:
    """So that load balancers see it in time; the user's own word counts more."""
    usual = told()["cluster"]["apiServer"]["extraArgs"]
    assert usual == {"shutdown-delay-duration": "5s"}
    own = {"shutdown-delay-duration": "20s", "v": 4}
    assert told(api_server={"extra_args": own})["cluster"]["apiServer"]["extraArgs"] == {
        "shutdown-delay-duration": "20s",
        "v": "4",
    }


def test_a_changed_option_is_one_changed_place() -> None:
    """An argument has a key of its own, so that the preview names it."""
    before, after = told(), told(etcd={"heartbeat_interval": 150})
    after["cluster"]["etcd"]["local"]["extraArgs"].pop("heartbeat-interval")
    assert before == after


def test_defaults_are_not_said() -> None:
    """A living cluster has no record of what nobody asked for."""
    assert "containers" not in told()
    assert "dataDir" not in told()["cluster"]["etcd"]["local"]
    assert told(etcd={"data_dir": "/srv/etcd"})["cluster"]["etcd"]["local"]["dataDir"] == "/srv/etcd"
    assert "scheduler" not in told()["cluster"]


def test_slow_boards_have_patient_probes() -> None:
    """Each static pod by the name that kubeadm gives it."""
    patient = {"probes": {"timeout": 60}}
    found = rack(
        cluster=cluster(api_server=patient, controller_manager=patient, scheduler=patient, etcd=patient)
    )
    probes = {"livenessProbe": {"timeoutSeconds": 60}, "startupProbe": {"timeoutSeconds": 60}}
    names = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    assert containers(found) == dict.fromkeys(names, probes)


def test_workers_know_nothing_of_it() -> None:
    """A change of the control plane touches no worker."""
    plain, other = rack(), rack(cluster=cluster(etcd={"quota": 1 << 30}, scheduler={"extra_args": {"v": 4}}))
    worker = [membership(one, one.nodes["w-1"], "ca") for one in (plain, other)]
    assert worker[0] == worker[1]
