"""The static pod of an etcd member, written and read back."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from providers.etcd import etcd_manifest

WANTED: dict[str, Any] = {
    "name": "etcd-1",
    "address": "10.0.0.41",
    "image": "registry.example.test/etcd:3.6.8-0",
    "data_directory": "/var/lib/etcd",
    "ca": "0123456789abcdef",
    "args": {"quota-backend-bytes": "1073741824", "listen-metrics-urls": "http://0.0.0.0:2381"},
    "container": {"resources": {"limits": {"memory": "1Gi"}}, "livenessProbe": {"failureThreshold": 20}},
}
INITIAL = {"initial-cluster": "etcd-1=https://10.0.0.41:2380", "initial-cluster-state": "new"}


@pytest.mark.parametrize("wanted", [WANTED, {**WANTED, "args": {}, "container": {}}])
def test_what_is_written_is_read_back(wanted: dict[str, Any]) -> None:
    """Options, container and how it began."""
    assert etcd_manifest.parse(etcd_manifest.text(wanted, INITIAL)) == (wanted, INITIAL)


def test_the_container_is_what_the_options_make_it() -> None:
    """Limits and probes beside what every member has."""
    pod = yaml.safe_load(etcd_manifest.text(WANTED, INITIAL))
    (container,) = pod["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "100m", "memory": "100Mi"},
        "limits": {"memory": "1Gi"},
    }
    assert container["livenessProbe"]["failureThreshold"] == 20
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert "--listen-metrics-urls=http://0.0.0.0:2381" in container["command"]


def test_another_ca_is_another_pod() -> None:
    """The kubelet starts it anew."""
    assert etcd_manifest.text(WANTED, INITIAL) != etcd_manifest.text({**WANTED, "ca": "other"}, INITIAL)


@pytest.mark.parametrize(
    "content", ["", "a: b", "[", "- a", "spec: {containers: []}", "kind: Pod\nspec: {containers: [{}]}"]
)
def test_what_is_no_manifest_of_ours_is_not_read(content: str) -> None:
    """Damage never ends a run."""
    assert etcd_manifest.parse(content) is None


def test_an_argument_changed_by_hand_is_found() -> None:
    """Also one that is no option."""
    changed = etcd_manifest.text(WANTED, INITIAL).replace(
        "client-cert-auth=true", "client-cert-auth=false", 1
    )
    found = etcd_manifest.parse(changed)
    assert found is not None
    assert found[0]["args"]["client-cert-auth"] == "false"
