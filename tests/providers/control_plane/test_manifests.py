"""Static pods put in place, with the real shell and processes; what kubeadm is given for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from providers.control_plane import manifests
from providers.control_plane.live_settings import COMPONENTS
from tests.local_host import LocalHost
from tests.providers.control_plane import kubelet
from tests.providers.life import site

JOINED = """
    - --initial-advertise-peer-urls=https://10.0.0.11:2380
    - --initial-cluster=cp-2=https://10.0.0.12:2380,cp-1=https://10.0.0.11:2380
    - --initial-cluster-state=existing
    - --key-file=/etc/kubernetes/pki/etcd/server.key
"""


@pytest.fixture
def member(local_host: LocalHost) -> Iterator[LocalHost]:
    """A control plane whose kubelet is stood in for; its four static pods run."""
    for name in COMPONENTS:
        local_host.write(f"{manifests.MANIFESTS}/{name}.yaml", f"{name} as it was\n")
        local_host.write(f"{manifests.SAVED}/{name}.yaml", f"{name} as it was\n")
        local_host.write(f"{manifests.STAGED}/manifests/{name}.yaml", f"{name} as it was\n")
    kubelet.start(local_host, len(COMPONENTS))
    yield local_host


def stage(host: LocalHost, **texts: str) -> None:
    """Other manifests, as kubeadm would have written them beside the ones in use."""
    for name, text in texts.items():
        host.write(f"{manifests.STAGED}/manifests/{name.replace('_', '-')}.yaml", text)


def test_nothing_is_restarted_where_nothing_differs(member: LocalHost) -> None:
    """The manifests are what they were."""
    assert manifests.switch(site(member)) == ""
    assert kubelet.events(member) == ""


@pytest.mark.slow
def test_only_what_differs_is_started_anew(member: LocalHost) -> None:
    """The script returns when the new process is there."""
    stage(member, kube_scheduler="other arguments\n")
    assert manifests.switch(site(member)) == ""
    assert kubelet.events(member).split("\n")[:2] == ["ended kube-scheduler", "began kube-scheduler"]
    assert member.read(f"{manifests.MANIFESTS}/kube-scheduler.yaml") == "other arguments\n"
    assert "kube-apiserver" not in kubelet.events(member)


@pytest.mark.slow
def test_the_api_server_is_away_while_etcd_starts_anew(member: LocalHost) -> None:
    """It ends by its own rules before its etcd does, and begins when etcd is there again."""
    stage(member, etcd="heartbeat\n")
    assert manifests.switch(site(member)) == ""
    told = kubelet.events(member).split("\n")
    assert told[:4] == ["ended kube-apiserver", "ended etcd", "began etcd", "began kube-apiserver"]
    assert member.read(f"{manifests.MANIFESTS}/kube-apiserver.yaml") == "kube-apiserver as it was\n"


@pytest.mark.slow
def test_former_manifests_come_back(member: LocalHost) -> None:
    """Also where a run ended between the two halves: the API server's manifest is gone."""
    stage(member, etcd="heartbeat\n", kube_apiserver="arguments\n")
    assert manifests.switch(site(member)) == ""
    member.run(["rm", f"{manifests.MANIFESTS}/kube-apiserver.yaml"])
    assert manifests.switch(site(member), back=True) == ""
    for name in COMPONENTS:
        assert member.read(f"{manifests.MANIFESTS}/{name}.yaml") == f"{name} as it was\n"


def test_patches_are_kept_where_kubeadm_will_look(local_host: LocalHost) -> None:
    """One file for each component with something of its own; without any, no directory."""
    wanted = {"containers": {"etcd": {"resources": {"limits": {"memory": "1Gi"}}}}}
    local_host.run(["mkdir", "-p", f"{manifests.STAGED}/patches"])
    manifests.place_patches(local_host, wanted)
    text = local_host.read("/var/lib/helicon/patches/etcd+strategic.json")
    assert yaml.safe_load(text or "") == {
        "spec": {"containers": [{"name": "etcd", "resources": {"limits": {"memory": "1Gi"}}}]}
    }
    manifests.settle(site(local_host))
    assert local_host.tree("/var/lib/helicon", manifests.STAGED) == [
        line for line in local_host.tree("/var/lib/helicon") if "patches" not in line
    ]


def test_a_member_keeps_knowing_the_members_that_it_joined() -> None:
    """An etcd without data would begin a cluster of its own if it were told of itself alone."""
    written = "    - --name=cp-1\n    - --initial-cluster=cp-1=https://10.0.0.11:2380\n    - --quota-backend-bytes=1"
    assert manifests.with_members(written, JOINED).splitlines() == [
        "    - --name=cp-1",
        "    - --initial-cluster=cp-2=https://10.0.0.12:2380,cp-1=https://10.0.0.11:2380",
        "    - --initial-cluster-state=existing",
        "    - --quota-backend-bytes=1",
    ]


@pytest.mark.parametrize(("written", "present"), [("", JOINED), ("    - --initial-cluster=a", "")])
def test_without_a_member_there_is_nothing_to_keep(written: str, present: str) -> None:
    """An external etcd has no manifest; nor has one that is not there anything to say."""
    assert manifests.with_members(written, present) == written
