"""The clock, with stand-ins for timesyncd and its tools."""

from __future__ import annotations

import pytest

from providers.core.errors import HostError
from providers.core.thing import Json
from providers.system import clock
from providers.system.clock import UNIT, Clock
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live

GOOD: Json = {"ntp": ["good.example", "10.0.0.1"], "synchronized": True}
OTHER: Json = {"ntp": ["good.example"], "synchronized": True}


@pytest.fixture
def machine(local_host: LocalHost) -> LocalHost:
    """A board whose timesyncd is installed, enabled and runs."""
    local_host.stand_in("systemctl", "timedatectl")
    local_host.run(["rm", "-rf", "/etc/systemd/timesyncd.conf.d"])
    local_host.write(f"/usr/lib/systemd/system/{UNIT}", "[Install]\n")
    local_host.run(["systemctl", "enable", "-q", UNIT])
    local_host.run(["systemctl", "start", UNIT])
    return local_host


def test_its_whole_life(machine: LocalHost) -> None:
    """Servers are set, mended, changed and given back."""
    damage = [f"systemctl stop {UNIT}", "sed -i s/good/bad/ /etc/systemd/timesyncd.conf.d/helicon.conf"]
    drifted = live(Clock(), machine, GOOD, OTHER, damage, ["/etc", "/run/units/active"])
    assert drifted == ["ntp", "service", "synchronized"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Clock(), machine, OTHER, ["/etc/systemd", "/run/units/active"]) > 2


@pytest.mark.slow
def test_a_service_that_was_off_is_off_again(machine: LocalHost) -> None:
    """timesyncd is turned on for our servers alone."""
    machine.run(["systemctl", "disable", "-q", UNIT])
    machine.run(["systemctl", "stop", UNIT])
    live(Clock(), machine, GOOD, OTHER, [f"systemctl stop {UNIT}"], ["/etc", "/run/units/active"])


def test_our_servers_go_when_the_systems_own_are_wanted(machine: LocalHost) -> None:
    """An empty list manages no file."""
    converge(Clock(), machine, None, GOOD)
    converge(Clock(), machine, GOOD, {"ntp": [], "synchronized": False})
    assert machine.read(clock.FILE) is None


def test_a_machine_without_timesyncd_is_told_what_to_install(local_host: LocalHost) -> None:
    """Package and way out are named."""
    local_host.stand_in("systemctl", "timedatectl")
    local_host.run(["rm", "-f", f"/usr/lib/systemd/system/{UNIT}", f"/etc/systemd/system/{UNIT}"])
    with pytest.raises(HostError, match=r"clock: expected .*good.example.*not installed.*systemd-timesyncd"):
        converge(Clock(), local_host, None, GOOD)


def test_a_clock_that_does_not_get_in_step_is_an_error(
    machine: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the servers, what timesyncd says, how far the clock is off, and what to type."""
    monkeypatch.setattr(clock, "WAIT_SECONDS", 0)
    machine.write("/usr/local/sbin/date", "#!/bin/sh\necho 1000\n", "0755")
    wanted: Json = {"ntp": ["bad.example"], "synchronized": True}
    told = (
        r"in step with bad.example within 0 s, found not in step, \d+ years behind.*Server: n/a.*timesync-st"
    )
    with pytest.raises(HostError, match=told):
        converge(Clock(), machine, None, wanted)


def test_nothing_is_asked_where_nothing_is_managed() -> None:
    """{"ntp": [], "synchronized": false} says so and does nothing."""
    assert Clock().questions(Clock().parse({"ntp": [], "synchronized": False})) == []
