"""Docker: daemon.json says the options, keeps what is the user's, and is replaced in one step."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.core.errors import HostError
from providers.core.options import complete
from providers.core.thing import Json
from providers.software import docker_config
from providers.software.docker import CONFIG, DROP_IN, Docker
from providers.software.docker_config import DEFAULTS
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live

pytestmark = pytest.mark.slow

_NAMES = st.lists(st.sampled_from(["a.example.test:5000", "b.example.test"]), unique=True)
_CHECKS = """#!/bin/sh
[ "$1" != --help ] || { echo '  --validate'; exit; }
if grep -q refuse "$3"; then echo 'conflicting options' >&2; exit 1; fi
"""
_UNIT = "[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture
def board(local_host: LocalHost) -> LocalHost:
    """A board with Docker's and cri-dockerd's units, a dockerd that checks, and a daemon.json of its own."""
    local_host.stand_in("systemctl")
    local_host.write("/usr/local/sbin/dockerd", _CHECKS, "0755")
    for unit in ("docker.service", "cri-docker.service", "cri-docker.socket"):
        local_host.write(f"/usr/lib/systemd/system/{unit}", _UNIT)
    local_host.write(CONFIG, '{"bip": "172.20.0.1/16"}\n', "0600")
    local_host.run(["systemctl", "enable", "docker.service"])
    local_host.run(["systemctl", "start", "docker.service"])
    return local_host


def test_its_whole_life(board: LocalHost) -> None:
    """Options by hand are put right, an own key stays, and in the end all is as it was."""
    damage = [f"sed -i s/overlay2/vfs/ {CONFIG}", "systemctl stop cri-docker.socket"]
    first: Json = {"insecure_registries": ["a.example.test:5000"], "log_max_size": "10m"}
    places = ["/etc/docker", "/etc/systemd/system"]
    assert live(Docker(), board, first, {}, damage, places) == ["storage_driver", "active"]
    converge(Docker(), board, None, first)
    assert json.loads(board.read(CONFIG) or "")["bip"] == "172.20.0.1/16"


def test_a_run_that_is_killed_is_gone_on_with(board: LocalHost) -> None:
    """Wherever it ends, the next run comes to the same, and a removal to what was before."""
    assert cut_anywhere(Docker(), board, {}, ["/etc/docker", "/etc/systemd/system"]) > 3


def test_what_docker_refuses_is_not_put_in_place(board: LocalHost) -> None:
    """The file stays as it was."""
    before = board.read(CONFIG)
    with pytest.raises(HostError, match="conflicting options"):
        converge(Docker(), board, None, {"data_root": "/srv/refuse"})
    assert (board.read(CONFIG), board.read(DROP_IN)) == (before, None)


@given(st.sampled_from(["json-file", "journald"]), _NAMES, st.integers(1, 9), st.sampled_from(["", "/srv"]))
def test_a_written_file_is_read_back(driver: str, registries: list[str], files: int, root: str) -> None:
    """Whatever was there before: our keys are ours, exec options of others stay."""
    changed: dict[str, Json] = {"log_driver": driver, "log_max_file": files, "data_root": root}
    options = complete(DEFAULTS, {**changed, "insecure_registries": list(registries)})
    before = {"data-root": "/old", "debug": True, "exec-opts": ["native.cgroupdriver=cgroupfs", "a=b"]}
    written = docker_config.document(options, before)
    assert {**docker_config.parse(written, options), "sandbox_image": options["sandbox_image"]} == options
    assert (written["debug"], "a=b" in written["exec-opts"]) == (True, True)


def test_a_file_that_is_no_json_is_named() -> None:
    """Neither a list nor half a file counts."""
    assert docker_config.load("[1]") is None
    assert docker_config.load('{"a": ') is None
    assert docker_config.load("") == {}
