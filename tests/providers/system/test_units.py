"""Systemd units, with a stand-in for systemctl that keeps its files as systemd does."""

from __future__ import annotations

import pytest

from providers.core.errors import HostError, Unobservable
from providers.core.thing import Json
from providers.system.units import STALE, Units
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site

UNIT = "[Service]\nExecStart=/bin/sleep inf\n[Install]\nWantedBy=multi-user.target\n"
BLINK: dict[str, Json] = {"blink.service": {"enabled": True, "active": True, "content": UNIT}}
BLINK_MORE: Json = {"blink.service": {"enabled": True, "active": True, "content": UNIT + "# more\n"}}
PLACES = ("/etc", "/run/units/active")


@pytest.fixture
def machine(local_host: LocalHost) -> LocalHost:
    """A machine with systemd, and with units of its distribution."""
    local_host.stand_in("systemctl")
    local_host.run(["mkdir", "-p", "/etc/systemd/system/multi-user.target.wants", "/run/units/active"])
    for name in ("on.service", "off.service"):
        local_host.write(f"/usr/lib/systemd/system/{name}", UNIT)
    local_host.run(["systemctl", "enable", "-q", "on.service"])
    local_host.run(["systemctl", "start", "on.service"])
    return local_host


def test_its_whole_life(machine: LocalHost) -> None:
    """A unit of ours is made, mended, changed and taken away."""
    damage = ["systemctl stop blink.service", "systemctl disable -q blink.service"]
    drifted = live(Units(), machine, BLINK, BLINK_MORE, damage, PLACES)
    assert drifted == ["blink.service.enabled", "blink.service.active"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    wanted: Json = {**BLINK, "on.service": {"enabled": False, "active": False}}
    assert cut_anywhere(Units(), machine, wanted, ["/etc/systemd", "/run/units/active"]) > 2


def test_units_of_others_are_turned_on_and_off_and_back(machine: LocalHost) -> None:
    """Whatever they were before, also masked."""
    machine.run(["systemctl", "mask", "-q", "off.service"])
    wanted: Json = {
        "on.service": {"enabled": False, "active": False},
        "off.service": {"enabled": True, "active": True},
    }
    damage = ["systemctl start on.service", "systemctl stop off.service"]
    drifted = live(
        Units(), machine, wanted, {"on.service": {"enabled": False, "active": False}}, damage, PLACES
    )
    assert drifted == ["off.service.active", "on.service.active"]


@pytest.mark.slow
def test_a_unit_file_of_the_machine_comes_back_and_runs_again(machine: LocalHost) -> None:
    """Overriding a unit of the distribution ends with the distribution's."""
    wanted: Json = {"on.service": {"enabled": True, "active": True, "content": UNIT + "# ours\n"}}
    live(Units(), machine, wanted, wanted, ["rm /etc/systemd/system/on.service"], PLACES)
    assert machine.read("/run/units/active/on.service") == UNIT


def test_a_changed_file_is_what_runs(machine: LocalHost) -> None:
    """A new content is read by systemd and the unit started again."""
    converge(Units(), machine, None, BLINK)
    assert converge(Units(), machine, BLINK, BLINK_MORE) == ["blink.service.content"]
    assert machine.read("/run/units/active/blink.service") == UNIT + "# more\n"


def test_a_run_that_was_killed_before_the_restart_goes_on_from_there(machine: LocalHost) -> None:
    """A file that is in place but not read by systemd is no success."""
    converge(Units(), machine, None, BLINK)
    machine.write("/etc/systemd/system/blink.service", UNIT + "# more\n")
    desired = Units().parse(BLINK_MORE)
    seen = Units().observe(site(machine), desired)
    assert seen.units["blink.service"]["content"] == STALE
    converge(Units(), machine, None, BLINK_MORE)
    assert machine.read("/run/units/active/blink.service") == UNIT + "# more\n"


def test_giving_up_the_file_leaves_the_unit_managed(machine: LocalHost) -> None:
    """Only the aspect that is no longer listed is given back."""
    old: Json = {"on.service": {"enabled": True, "active": True, "content": UNIT + "# ours\n"}}
    converge(Units(), machine, None, old)
    converge(Units(), machine, old, {"on.service": {"enabled": True, "active": True}})
    assert machine.read("/etc/systemd/system/on.service") is None


def test_a_unit_without_install_section_is_enabled_as_it_can_be(machine: LocalHost) -> None:
    """A static unit is neither enabled nor disabled; asking for either is no drift."""
    wanted: Json = {"timer.service": {"enabled": True, "active": False, "content": "[Service]\n"}}
    converge(Units(), machine, None, wanted)
    assert converge(Units(), machine, wanted, wanted) == []


def test_what_ran_from_a_file_that_was_gone_is_only_stopped(machine: LocalHost) -> None:
    """It cannot be started again, so removing ours must not try to."""
    machine.write("/run/units/active/blink.service", UNIT)
    converge(Units(), machine, None, BLINK)
    converge(Units(), machine, BLINK, {})
    assert machine.read("/run/units/active/blink.service") is None


def test_a_unit_that_does_not_start_is_named(machine: LocalHost) -> None:
    """With what systemd said, and where to read more."""
    wanted: Json = {
        "bad.service": {"enabled": False, "active": True, "content": "[Service]\nExecStart=false\n"}
    }
    with pytest.raises(HostError, match=r"unit bad.service: expected active, found Job.*journalctl -u bad"):
        converge(Units(), machine, None, wanted)


def test_a_machine_without_systemd_says_so(local_host: LocalHost) -> None:
    """No answer about units is not the same as no units."""
    local_host.write(
        "/usr/local/sbin/systemctl", "#!/bin/sh\necho not booted with systemd >&2; exit 1\n", "0755"
    )
    with pytest.raises(Unobservable, match=r"blink\.service, found not booted with systemd"):
        Units().observe(site(local_host), Units().parse(BLINK))
