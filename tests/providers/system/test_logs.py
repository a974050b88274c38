"""journald's drop-in, with systemd's stand-in."""

from __future__ import annotations

import pytest

from providers.core.thing import Json
from providers.system.logs import UNIT, Logs
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live

PLACES = ("/etc", "/run")
FIRST: Json = {"storage": "volatile", "max_use": "64M"}


@pytest.fixture
def machine(local_host: LocalHost) -> LocalHost:
    """A machine whose journald runs."""
    local_host.stand_in("systemctl")
    local_host.write(f"/usr/lib/systemd/system/{UNIT}", "[Service]\n")
    local_host.run(["systemctl", "start", UNIT])
    local_host.run(["rm", "-rf", "/etc/systemd/journald.conf.d"])
    return local_host


def test_its_whole_life(machine: LocalHost) -> None:
    """Limits set, lost, set again, others, and as it was."""
    damage = [f"echo MaxLevelStore=debug >> {Logs.path}"]
    assert live(Logs(), machine, FIRST, {"max_use": "100M", "rate_burst": "500"}, damage, PLACES) == ["file"]


def test_a_size_counts_on_disk_and_in_memory(machine: LocalHost) -> None:
    """The file as journald reads it."""
    converge(Logs(), machine, None, FIRST)
    told = "# written by helicon\n[Journal]\nStorage=volatile\nSystemMaxUse=64M\nRuntimeMaxUse=64M\n"
    assert machine.read(Logs.path) == told


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost) -> None:
    """Also between the file and the restart of journald, which then still happens."""
    assert cut_anywhere(Logs(), machine, FIRST, PLACES) > 3
    converge(Logs(), machine, None, FIRST)
    machine.write(Logs().pending, "")
    assert converge(Logs(), machine, FIRST, FIRST) == ["reader"]
