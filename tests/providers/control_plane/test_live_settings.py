"""Settings of a living control plane: compared one by one, in kubeadm's form and in ours."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from providers.control_plane.live_settings import differences, listed, normal, objection, reconfigures
from providers.core.thing import Change
from providers.membership import kubeadm_config

ARGUMENTS = {"tls-sni-cert-key": ["a", "b"], "v": "4"}
PAIRS = [
    {"name": "tls-sni-cert-key", "value": "a"},
    {"name": "tls-sni-cert-key", "value": "b"},
    {"name": "v", "value": "4"},
]


def fields(current: dict[str, Any], desired: dict[str, Any]) -> list[str]:
    """The names of what differs."""
    return [change.field for change in differences(current, desired)]


def test_arguments_are_the_same_in_both_forms() -> None:
    """Also where an argument is repeated; records of former releases have kubeadm's form."""
    assert normal({"apiServer": {"extraArgs": PAIRS}}) == {"apiServer": {"extraArgs": ARGUMENTS}}
    assert listed({"apiServer": {"extraArgs": ARGUMENTS}}) == {"apiServer": {"extraArgs": PAIRS}}


def test_each_setting_is_a_change_of_its_own() -> None:
    """Named by its path; what only one side has is None on the other."""
    was = {"cluster": {"etcd": {"local": {"extraArgs": {"snapshot-count": "9"}}}}, "role": "control-plane"}
    now = {"cluster": {"etcd": {"local": {"extraArgs": {"heartbeat-interval": "500"}}}}, "role": "worker"}
    assert differences(was, now) == [
        Change(field="cluster.etcd.local.extraArgs.heartbeat-interval", was=None, now="500"),
        Change(field="cluster.etcd.local.extraArgs.snapshot-count", was="9", now=None),
    ]


def test_a_default_said_outright_is_no_difference() -> None:
    """etcd's data directory; nor are mappings without anything in them."""
    said = {"cluster": {"etcd": {"local": {"dataDir": "/var/lib/etcd"}}, "scheduler": {}}}
    assert fields({"cluster": {}}, said) == fields(said, {}) == []


def test_what_is_unfinished_differs_until_it_is_done() -> None:
    """Whatever the settings are."""
    same = {"cluster": {"clusterName": "c"}}
    assert fields({**same, "unfinished": "settings"}, same) == ["unfinished"]
    assert reconfigures("unfinished")
    assert not reconfigures("kubelet")


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("cluster.networking.podSubnet", "made anew"),
        ("cluster.clusterName", "made anew"),
        ("cluster.controllerManager.extraArgs.node-cidr-mask-size", "made anew"),
        ("cluster.etcd.local.dataDir", "storage: {binds: {/var/lib/etcd: ...}}"),
    ],
)
def test_what_a_living_cluster_cannot_take_over_has_a_next_step(field: str, told: str) -> None:
    """It names what to do instead."""
    change = Change(field=field, was="a", now="b")
    assert told in (objection(change, [change]) or "")


def test_etcd_stays_where_its_members_are() -> None:
    """From the control planes to machines of its own there is no way; other endpoints are fine."""
    endpoints = Change(field="cluster.etcd.external.endpoints", was=None, now=["https://10.0.0.31:2379"])
    quota = Change(field="cluster.etcd.local.extraArgs.quota-backend-bytes", was="2", now=None)
    assert objection(endpoints, [endpoints]) is None
    assert objection(quota, [quota]) is None
    assert objection(endpoints, [endpoints, quota]) is not None


def test_patches_are_named_to_kubeadm_only_where_there_are_some() -> None:
    """To init and to join of a control plane; a worker has none."""
    wanted = {"role": "control-plane", "version": "v1.36.3", "node_name": "cp-1", "address": "10.0.0.11"}
    wanted |= {"endpoint": "api:6443", "ca": "sha256:aa"}
    more = {**wanted, "containers": {"etcd": {"livenessProbe": {"timeoutSeconds": 60}}}}
    documents = [kubeadm_config.init(one) for one in (wanted, more)]
    documents += [kubeadm_config.join(one, token="t") for one in (wanted, more, {**wanted, "role": "worker"})]
    named = [next(yaml.safe_load_all(one)).get("patches", {}).get("directory") for one in documents]
    assert named == [None, kubeadm_config.PATCHES, None, kubeadm_config.PATCHES, None]
