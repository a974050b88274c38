"""containerd: its files say the options, in the form of each version."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.core.options import complete
from providers.core.thing import Json
from providers.software import containerd_config
from providers.software.containerd import Containerd
from providers.software.containerd_config import DEFAULTS, REGISTRY, Version

VERSIONS: list[Version] = [(1, 7), (2, 0), (2, 1), (2, 2)]
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
OPTIONS: st.SearchStrategy[dict[str, Json]] = st.fixed_dictionaries(
    {
        "sandbox_image": TEXT,
        "systemd_cgroup": st.booleans(),
        "restrict_oom_score_adj": st.booleans(),
        "max_container_log_line_size": st.integers(-1, 2**31),
        "max_recv_message_size": st.integers(1, 2**31),
        "max_send_message_size": st.integers(1, 2**31),
        "metrics_address": TEXT,
        "debug_level": st.sampled_from(["", "debug"]),
        "metrics_histogram": st.booleans(),
        "log_format": st.sampled_from(["", "text", "json"]),
    }
)


@given(OPTIONS, st.sampled_from(VERSIONS))
def test_a_written_file_is_read_back_as_its_options(options: dict[str, Json], version: Version) -> None:
    """The text is TOML, says the options and nothing else."""
    data = tomllib.loads(containerd_config.text(options, version))
    assert containerd_config.parse(data, version) == options
    assert data == containerd_config.document(options, version)


@pytest.mark.parametrize(
    ("version", "form", "plugin"),
    [((1, 7), 2, "io.containerd.grpc.v1.cri"), ((2, 0), 3, "io.containerd.cri.v1.runtime")],
)
def test_the_form_follows_the_version(version: Version, form: int, plugin: str) -> None:
    """Format 2 before containerd 2, format 3 from then on; CNI plugins where Kubernetes puts them."""
    data = containerd_config.document(complete(DEFAULTS, {}), version)
    assert data["version"] == form
    assert data["plugins"][plugin]["cni"] == {"bin_dir": "/opt/cni/bin", "conf_dir": "/etc/cni/net.d"}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6", (1, 7)),
        ("containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7193e4", (2, 1)),
        ("containerd containerd.io v2.0.10 b98a3aace656320842a23f4a392a33f46af97866", (2, 0)),
        ("sh: 1: containerd: not found", None),
    ],
)
def test_versions_of_all_packagers_are_understood(text: str, version: Version | None) -> None:
    """Debian's, upstream's, Docker's, and none."""
    assert containerd_config.parse_version(text) == version


@given(
    st.lists(st.sampled_from(["https://a.example", "http://b:5000"]), unique=True),
    st.booleans(),
    st.sampled_from(["", "/etc/ssl/own.pem"]),
)
def test_a_registry_is_read_back_as_it_was_written(mirrors: list[str], insecure: bool, ca: str) -> None:
    """Server, mirrors in order, whether certificates are checked, and against which CA."""
    given_ones: dict[str, Json] = {"mirrors": list(mirrors), "insecure": insecure, "ca": ca}
    registry = complete(REGISTRY, {"server": "https://r.example", **given_ones})
    assert containerd_config.parse_hosts(containerd_config.hosts(registry)) == registry


def test_a_registry_changed_by_hand_differs() -> None:
    """Another capability, and text that is no TOML."""
    text = containerd_config.hosts(complete(REGISTRY, {"server": "https://r.example"}))
    assert containerd_config.parse_hosts(text.replace('"pull", ', ""))["content"] == "(differs)"
    assert containerd_config.parse_hosts("what = is this") == {"content": "(differs)"}


def test_an_empty_sandbox_image_is_the_default() -> None:
    """Left open, it equals what is left out."""
    thing = Containerd()
    assert thing.plan(thing.parse({"sandbox_image": ""}), thing.parse({})) == []


def test_a_registry_of_a_name_alone_is_reached_by_that_name() -> None:
    """Docker's is the one whose address is another."""
    shown = Containerd().render(Containerd().parse({"registries": {"docker.io": {}, "quay.io": {}}}))
    assert isinstance(shown, dict) and isinstance(shown["registries"], dict)
    servers = {name: one["server"] for name, one in shown["registries"].items() if isinstance(one, dict)}
    assert servers == {"docker.io": "https://registry-1.docker.io", "quay.io": "https://quay.io"}


@pytest.mark.parametrize("version", VERSIONS)
def test_options_left_alone_add_no_line(version: Version) -> None:
    """A machine set up before there were these options differs in nothing."""
    data = containerd_config.document(complete(DEFAULTS, {}), version)
    assert set(data["metrics"]) == {"address"} and set(data["debug"]) == {"level"}
