"""etcd's and the other components' options: what they become, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from config import ConfigurationError, load
from tests.config.injections import sound
from tests.config.test_rack import rack


def cluster(**parts: Any) -> dict[str, Any]:
    """The sound cluster with further settings."""
    return {**sound()["cluster"], **parts}


def problems(**parts: Any) -> list[str]:
    """The problems of a cluster with these settings, as they are shown."""
    with pytest.raises(ConfigurationError) as raised:
        load({**sound(), "cluster": cluster(**parts)}, stack="test")
    return [str(one) for one in raised.value.problems]


def test_etcd_is_told_only_what_was_asked_for() -> None:
    """kubeadm's and etcd's defaults are left to them, but for the quota."""
    assert rack().cluster.etcd.arguments() == {"quota-backend-bytes": "2147483648"}
    assert rack().cluster.etcd.container() == {}


def test_etcd_options_are_its_arguments_and_its_container() -> None:
    """Each typed option has its argument; the rest is written as etcd has it."""
    etcd = rack(
        cluster=cluster(
            etcd={
                "quota": 17179869,
                "compaction_mode": "periodic",
                "compaction_retention": "8h",
                "heartbeat_interval": 500,
                "election_timeout": 5000,
                "snapshot_count": 5000,
                "metrics_address": "0.0.0.0",
                "memory_limit": "1Gi",
                "memory_request": "256Mi",
                "probes": {"timeout": 30, "failures": 20, "startup": 605},
                "extra_args": {"max-wals": 3},
            }
        )
    ).cluster.etcd
    assert etcd.arguments() == {
        "quota-backend-bytes": "17179869",
        "auto-compaction-mode": "periodic",
        "auto-compaction-retention": "8h",
        "heartbeat-interval": "500",
        "election-timeout": "5000",
        "snapshot-count": "5000",
        "listen-metrics-urls": "http://0.0.0.0:2381",
        "max-wals": "3",
    }
    assert etcd.container() == {
        "resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "256Mi"}},
        "livenessProbe": {"timeoutSeconds": 30, "failureThreshold": 20},
        "startupProbe": {"timeoutSeconds": 30, "failureThreshold": 61},
    }


def test_a_repeated_argument_is_a_list() -> None:
    """As kubeadm's own form allows it."""
    arguments = {"tls-sni-cert-key": ["a,b", "c,d"], "v": 4}
    found = rack(cluster=cluster(api_server={"extra_args": arguments})).cluster.api_server
    assert found.arguments() == {"tls-sni-cert-key": ["a,b", "c,d"], "v": "4"}


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (
            {"etcd": {"heartbeat_interval": 300}},
            "cluster.etcd.heartbeat_interval: expected an election_timeout",
        ),
        ({"etcd": {"election_timeout": 400}}, "cluster.etcd.election_timeout: expected an election_timeout"),
        ({"etcd": {"election_timeout": 60000}}, "at most 50000"),
        ({"etcd": {"extra_args": {"heartbeat-interval": 500}}}, "Write cluster.etcd.heartbeat_interval."),
        ({"etcd": {"extra_args": {"initial-cluster": "a"}}}, "kubeadm sets it for each member"),
        ({"etcd": {"compaction_mode": "revision"}}, "cluster.etcd.compaction_retention"),
        ({"etcd": {"compaction_mode": "revision", "compaction_retention": "8h"}}, "a number of revisions"),
        ({"etcd": {"compaction_retention": "often"}}, "expected a duration"),
        ({"etcd": {"memory_limit": "much"}}, "an amount of memory"),
        ({"etcd": {"data_dir": "etcd"}}, "cluster.etcd.data_dir"),
        ({"etcd": {"metrics_address": "10.0.0.11"}}, "0.0.0.0"),
        ({"api_server": {"extra_args": {"--v": 4}}}, "Write v."),
        ({"api_server": {"extra_args": {"service-cluster-ip-range": "a"}}}, "Write cluster.service_cidr."),
        (
            {"controller_manager": {"extra_args": {"node-cidr-mask-size": 25}}},
            "Write cluster.node_cidr_mask.",
        ),
        ({"scheduler": {"extra_args": {"secure-port": 1}}}, "10259"),
        ({"scheduler": {"probes": {"failure": 3}}}, 'Did you mean "failures"?'),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(parts: dict[str, Any], told: str) -> None:
    """Before any machine is asked."""
    found = problems(**parts)
    assert len(found) == 1, found
    assert told in found[0], found
