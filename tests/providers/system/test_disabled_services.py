"""Services off and on again, with systemd's stand-in and the real `ip`."""

from __future__ import annotations

import pytest

from providers.core.errors import Refused
from providers.core.thing import Json
from providers.system.disabled_services import DisabledServices
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live

PLACES = ("/etc", "/run/units/active")
WANTED: Json = {
    "bluetooth.service": "disabled",
    "wpa_supplicant.service": "masked",
    "nothing.service": "disabled",
}


@pytest.fixture
def machine(local_host: LocalHost) -> LocalHost:
    """A board at 127.0.0.1 on its loopback, with services that run."""
    local_host.stand_in("systemctl")
    local_host.run(["ip", "link", "set", "lo", "up"])
    local_host.run(["rm", "-rf", "/etc/network"])
    for unit in ("bluetooth", "wpa_supplicant", "dhcpcd", "networking", "ssh", "NetworkManager"):
        local_host.write(f"/usr/lib/systemd/system/{unit}.service", "[Install]\n")
    for unit in ("bluetooth.service", "wpa_supplicant.service"):
        local_host.run(["systemctl", "enable", unit])
        local_host.run(["systemctl", "start", unit])
    return local_host


def test_its_whole_life(machine: LocalHost) -> None:
    """Off, on by somebody, off again, one let go, and as they were."""
    damage = ["systemctl start bluetooth.service", "systemctl unmask wpa_supplicant.service"]
    second: Json = {"bluetooth.service": "masked"}
    drifted = live(DisabledServices(), machine, WANTED, second, damage, PLACES)
    assert drifted == ["bluetooth.service", "wpa_supplicant.service"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(DisabledServices(), machine, WANTED, PLACES) > 2


def test_a_mask_that_is_no_longer_wanted_goes(machine: LocalHost) -> None:
    """The service stays disabled."""
    converge(DisabledServices(), machine, None, WANTED)
    wanted: Json = {"wpa_supplicant.service": "disabled"}
    assert converge(DisabledServices(), machine, WANTED, wanted) == ["wpa_supplicant.service"]


@pytest.mark.parametrize(
    ("unit", "prepare"),
    [
        ("ssh.service", "true"),
        ("dhcpcd.service", "true"),
        (
            "networking.service",
            "mkdir -p /etc/network; echo 'iface lo inet static' > /etc/network/interfaces",
        ),
        ("NetworkManager.service", "true"),
        ("wpa_supplicant.service", "ip addr flush dev lo"),
    ],
)
def test_what_carries_us_is_refused(machine: LocalHost, unit: str, prepare: str) -> None:
    """By what the machine says of the interface that has our address; nothing is changed."""
    machine.run(["sh", "-c", prepare])
    machine.run(["systemctl", "start", unit])
    before = machine.tree(*PLACES)
    with pytest.raises(Refused, match=f"disabled_services {unit}: .*carries it"):
        converge(DisabledServices(), machine, None, {"bluetooth.service": "disabled", unit: "disabled"})
    assert machine.tree(*PLACES) == before


@pytest.mark.parametrize(
    ("unit", "prepare"),
    [
        ("dhcpcd.service", "mkdir -p /etc/network; echo 'iface lo inet static' > /etc/network/interfaces"),
        ("NetworkManager.service", "printf '#!/bin/sh\\necho lo:unmanaged\\n' > /usr/local/sbin/nmcli"),
    ],
)
def test_what_no_longer_carries_us_may_go(machine: LocalHost, unit: str, prepare: str) -> None:
    """Where another holds the interface, as after the network was moved to it."""
    machine.run(
        ["sh", "-c", f"{prepare}; chmod 755 /usr/local/sbin/*; systemctl start networking.service {unit}"]
    )
    assert converge(DisabledServices(), machine, None, {unit: "disabled"}) == [unit]
