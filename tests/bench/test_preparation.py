"""The preparation as data: what every contender is given is the same, and what is verified is all of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bench.contenders.ansible import Ansible, AnsibleFacts
from bench.contenders.contender import AGAIN, DRY, FIRST, SCENARIOS, Contender
from bench.contenders.pyinfra import Pyinfra
from bench.contenders.script import Script, script
from bench.goals import MOST
from bench.growth import changed
from bench.preparation import (
    CHANGED,
    SYSCTL,
    checks,
    differences,
    every_file,
    expected,
    rack,
    report_command,
    stack,
    variables,
)
from bench.rounds import CONTENDERS
from bench.simulated import plan
from bench.target import Fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Three machines on ports of their own."""
    return Fleet.of(plan(3, 2222), tmp_path / "key", tmp_path / "fleet")


def test_the_largest_rack_is_a_sound_one(tmp_path: Path) -> None:
    """With the machine that is added to it."""
    largest = Fleet.of(plan(MOST + 1, 2222), tmp_path / "key", tmp_path / "fleet")
    assert len(rack(largest).nodes) == MOST + 1


def test_the_program_accepts_the_stack_file(fleet: Fleet) -> None:
    """And finds the same preparation in it for each machine."""
    nodes = rack(fleet).nodes
    assert list(nodes) == [one.name for one in fleet.targets]
    for one in fleet.targets:
        assert nodes[one.name].connection.port == one.port
        assert {key: str(value) for key, value in nodes[one.name].sysctl.items()} == SYSCTL


def test_one_changed_machine_is_one_file_of_one_machine(fleet: Fleet) -> None:
    """All else stays."""
    config = changed(stack(fleet))["config"]
    assert list(config["helicon:nodes"]["sim-0003"]["files"]) == [CHANGED]
    assert "files" not in config["helicon:nodes"]["sim-0002"]


def test_a_machine_as_wanted_has_no_differences(fleet: Fleet) -> None:
    """And one that lacks something, or has something else, has them named."""
    target = fleet.targets[0]
    lines = expected(target)
    assert differences(target, "\n".join(lines)) == []
    other = [line.replace("zone: ", "zone: /else") for line in lines]
    assert [line.split()[1] for line in differences(target, "\n".join(other))] == ["zone:", "zone:"]


def test_the_verification_looks_at_every_file_and_setting(fleet: Fleet) -> None:
    """What a contender left out would be seen; there are about thirty checks, or more."""
    words = report_command(fleet.targets[0])
    assert {*every_file(), *SYSCTL} <= set(words)
    assert checks() >= 30


def test_the_script_is_one_that_a_board_can_read() -> None:
    """With the texts of all files in it."""
    done = subprocess.run(["sh", "-n"], input=script(), text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(one.text in script() for one in every_file().values())


def test_others_are_given_the_same_files() -> None:
    """By data, not typed a second time."""
    given = json.dumps(variables())
    assert all(json.dumps(one.text) in given for one in every_file().values())


@pytest.mark.parametrize("kind", [Script, Pyinfra, Ansible, AnsibleFacts])
def test_contenders_get_all_machines_and_a_dry_run(
    kind: type[Contender], fleet: Fleet, tmp_path: Path
) -> None:
    """Each machine by address, port and key; the dry run is another command than the run."""
    one = kind(fleet, tmp_path / "place")
    one.prepare()
    written = "".join(path.read_text() for path in one.place.iterdir() if path.is_file())
    assert all(target.address in written and target.own_address in written for target in fleet.targets)
    commands = {scenario: list(one.command(scenario).argv) for scenario in SCENARIOS}
    assert commands[FIRST] == commands[AGAIN] != commands[DRY]


def test_ansible_has_pipelining_and_a_fork_for_each_machine(tmp_path: Path) -> None:
    """Nobody shall say that it was held back."""
    fleet = Fleet.of(plan(13, 22), tmp_path / "key", tmp_path / "fleet")
    env = Ansible(fleet, tmp_path / "place").command(FIRST).env
    assert (env["ANSIBLE_PIPELINING"], env["ANSIBLE_FORKS"]) == ("1", "13")
    assert "ControlPersist" in env["ANSIBLE_SSH_ARGS"]
    assert env["ANSIBLE_GATHERING"] == "explicit"


def test_host_keys_are_known_by_port(fleet: Fleet, tmp_path: Path) -> None:
    """As OpenSSH writes them."""
    assert f"[{fleet.targets[0].address}]:2222 " in fleet.known_hosts.read_text()
    assert (
        Fleet.of(plan(1, 22), tmp_path / "key", tmp_path)
        .known_hosts.read_text()
        .startswith("127.77.100.101 ")
    )


def test_contenders_are_known_by_name() -> None:
    """As the command line and the page name them."""
    assert all(kind.name == name for name, kind in CONTENDERS.items())
