"""Versions: which are supported, and which belong together."""

from __future__ import annotations

import pytest

from config import ConfigurationError, load, versions
from tests.config.injections import sound


@pytest.mark.parametrize("minor", versions.RELEASES)
def test_supported_minor_loads_with_containerd_2(minor: str) -> None:
    """Each of the four newest minors, with the suggested patch and Docker's containerd."""
    raw = sound()
    raw["cluster"]["kubernetes"] = versions.RELEASES[minor].suggested
    raw["defaults"]["containerd"] = {"source": "docker"}
    rack = load(raw, stack="test")
    assert rack.cluster.minor == minor
    images = versions.control_plane_images(rack.cluster.kubernetes)
    assert rack.nodes["w-1"].containerd.sandbox_image in images


@pytest.mark.parametrize(
    "containerd",
    [{"source": "docker"}, {"source": "artifacts"}, {"source": "distribution", "version": "2.1"}],
    ids=str,
)
def test_newest_kubernetes_takes_any_source_that_may_have_containerd_2(containerd: dict[str, str]) -> None:
    """Only sources that are known to have 1.x are refused."""
    raw = sound()
    raw["cluster"]["kubernetes"] = "1.37.1"
    raw["artifacts"] = {"source": "./bundle"}
    raw["defaults"]["containerd"] = containerd
    assert load(raw, stack="test").nodes["w-1"].containerd.source == containerd["source"]


def test_node_of_its_own_kind_is_named_when_its_containerd_is_too_old() -> None:
    """One node with another version is reported at that version."""
    raw = sound()
    raw["cluster"]["kubernetes"] = "1.37.1"
    raw["defaults"]["containerd"] = {"source": "docker"}
    raw["nodes"]["w-1"]["containerd"] = {"version": "1.7.28"}
    with pytest.raises(ConfigurationError) as caught:
        load(raw, stack="test")
    assert [one.path for one in caught.value.problems] == [("nodes", "w-1", "containerd", "version")]


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("1.36", '"1.36.3"'),
        ("v1.35.2", '"1.35.2"'),
        ("1.33.1", '"1.34.10"'),
        ("latest", '"1.37.1"'),
        ("1.36.x", '"1.36.3"'),
    ],
)
def test_suggestion_is_a_version_that_loads(written: str, suggested: str) -> None:
    """What is suggested instead of an unsupported version is supported."""
    suggestion = versions.objection(written) or ""
    assert suggested in suggestion
    word = next(part for part in suggestion.split('"') if part.startswith("1."))
    assert versions.objection(word) is None


def test_images_are_those_that_kubeadm_lists() -> None:
    """As `kubeadm config images list` of v1.36.3 prints them."""
    assert versions.control_plane_images("1.36.3") == (
        "registry.k8s.io/kube-apiserver:v1.36.3",
        "registry.k8s.io/kube-controller-manager:v1.36.3",
        "registry.k8s.io/kube-scheduler:v1.36.3",
        "registry.k8s.io/kube-proxy:v1.36.3",
        "registry.k8s.io/coredns/coredns:v1.14.2",
        "registry.k8s.io/pause:3.10.2",
        "registry.k8s.io/etcd:3.6.8-0",
    )
