"""A machine's network with a real interface; ifupdown and systemd's timers are stood in for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from providers.core.errors import HostError, Refused, Unreachable
from providers.core.host import Argv, Completed
from providers.core.thing import Json
from providers.network.network import Network
from providers.network.settings import resolver
from tests.host_behind import HostBehind
from tests.local_host import LocalHost
from tests.providers.life import Cut, CutHost, converge, site

pytestmark = pytest.mark.slow

DHCP = "auto lo eth0\niface lo inet loopback\niface eth0 inet dhcp\n"
PLACES = ("/etc/network", "/etc/resolv.conf")
WANTED: dict[str, Json] = {
    "interface": "",
    "address": "10.0.0.21/24",
    "gateway": "10.0.0.1",
    "dns": ["10.0.0.2"],
    "search": ["example.test"],
    "resolv_conf": "static",
    "deadline": 30,
}
ANSWERS = "while ls /run/units/active | grep -q network-apply; do sleep 0.1; done"
"""Nobody starts a run while the interface is between two addresses: the machine does not answer."""
SHORT = 7
"""Seconds of a deadline that is meant to pass: two of them are ours."""


class Reached(HostBehind):
    """A machine that answers only while its interface has one of the given addresses."""

    def __init__(self, real: LocalHost, *addresses: str) -> None:
        super().__init__(real)
        self.address, self._addresses = addresses[0], addresses

    def run(self, argv: Sequence[str], **how: Any) -> Completed:
        """Run, where it answers."""
        self._check(self._addresses)
        return super().run(argv, **how)

    def ask(self, questions: Sequence[Argv]) -> list[Completed]:
        """Ask, where it answers."""
        self._check(self._addresses)
        return super().ask(questions)

    def reconnect(self, seconds: float) -> None:
        """Connect to the first address."""
        self._check(self._addresses[:1])

    def _check(self, addresses: Sequence[str]) -> None:
        now = self._real.run(["ip", "-4", "-br", "addr", "show", "dev", "eth0"]).text
        if not any(f" {one}/" in now for one in addresses):
            raise Unreachable(
                host=self.name,
                item="ssh",
                expected="an answer",
                found=f"no answer at {addresses}",
                next_step="-",
            )


@pytest.fixture
def machine(local_host: LocalHost) -> LocalHost:
    """A board whose eth0 has an address by DHCP, and whose resolv.conf is a link to a stub."""
    local_host.stand_in("systemctl", "systemd-run", "ifup", "ifdown")
    for command in ("link add eth0 type veth peer name peer0", "link set peer0 up", "link set lo up"):
        local_host.run(["ip", *command.split()])
    local_host.write("/etc/network/interfaces", DHCP)
    local_host.run(["sh", "-c", "rm -rf /etc/network/interfaces.d /etc/netplan; ifup eth0"])
    local_host.write("/run/stub-resolv.conf", "nameserver 127.0.0.53\n")
    local_host.run(["ln", "-sfn", "/run/stub-resolv.conf", "/etc/resolv.conf"])
    return local_host


def live(machine: LocalHost) -> list[str]:
    """The interface's addresses, and the default route's gateway."""
    addresses = machine.run(["ip", "-4", "-br", "addr", "show", "dev", "eth0"]).text.split()[2:]
    routes = machine.run(["ip", "-4", "route", "show", "default"]).text.split()
    return [*addresses, *routes[2:3]]


def test_a_static_address_takes_the_place_of_dhcp(machine: LocalHost) -> None:
    """Kernel, files and resolver; a second run does nothing, and no timer is left."""
    assert converge(Network(), machine, None, WANTED) == [
        "address",
        "dns",
        "gateway",
        "resolv_conf",
        "search",
    ]
    assert live(machine) == ["10.0.0.21/24", "10.0.0.1"]
    assert "\n#helicon: iface eth0 inet dhcp\n" in (machine.read("/etc/network/interfaces") or "")
    assert resolver(machine.read("/etc/resolv.conf") or "") == (("10.0.0.2",), ("example.test",))
    count = len(machine.ran)
    assert converge(Network(), machine, WANTED, WANTED) == []
    assert len(machine.ran) == count
    assert not machine.run(["systemctl", "is-active", "helicon-network-rollback.timer"], check=False).ok


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        ("ip route del default", "gateway"),
        ("ip addr del 10.0.0.21/24 dev eth0; ip addr add 10.0.0.7/24 dev eth0", "address"),
        ("sed -i s/dns-search/dns-nosearch/ /etc/network/interfaces", "search"),
        ("sed -i 's/dns-nameservers 10.0.0.2/dns-nameservers 10.0.0.3/' /etc/network/interfaces", "dns"),
        ("sed -i 's/^nameserver.*/nameserver 10.9.9.9/' /etc/resolv.conf", "resolv_conf"),
    ],
)
def test_drift_is_named_by_property_and_mended(machine: LocalHost, damage: str, field: str) -> None:
    """What the kernel has, and what the files say."""
    converge(Network(), machine, None, WANTED)
    machine.run(["sh", "-c", damage])
    assert field in converge(Network(), machine, WANTED, WANTED)
    assert live(machine) == ["10.0.0.21/24", "10.0.0.1"]


def test_the_running_and_the_kept_value_are_told_apart(machine: LocalHost) -> None:
    """As somebody sees who looks at a refresh."""
    wanted = {**WANTED, "address": "10.0.0.9/24"}
    shown = Network().render(Network().observe(site(machine), Network().parse(wanted)))
    assert isinstance(shown, dict)
    assert shown["address"] == "10.0.0.9/24 (at start: (absent))"
    assert shown["resolv_conf"] == "nameserver 127.0.0.53"


def test_a_machine_that_does_not_come_back_goes_back_by_itself(machine: LocalHost) -> None:
    """Nobody reaches it at the address it was given; the error says what became of it, and the tree is the former."""
    before, network = machine.tree(*PLACES), live(machine)
    wanted = {**WANTED, "address": "10.0.0.66/24", "deadline": SHORT}
    with pytest.raises(
        HostError, match=r"network: expected 10.0.0.66/24 on eth0 within 7 s, found .*no answer"
    ) as caught:
        converge(Network(), Reached(machine, "10.0.0.21", "10.0.0.9"), None, wanted)
    assert "it rolled back and answers as before" in str(caught.value)
    assert live(machine) == network
    assert machine.tree(*PLACES) == before


def test_a_machine_is_followed_to_its_new_address(machine: LocalHost) -> None:
    """It answers at the former one, is changed there, and is found at the configured one."""
    host = Reached(machine, "10.0.0.21", "10.0.0.9")
    converge(Network(), host, None, WANTED)
    assert live(machine) == ["10.0.0.21/24", "10.0.0.1"]


def test_a_manager_that_fails_goes_back_at_once(machine: LocalHost) -> None:
    """A gateway that no route leads to; the manager's words are in the error."""
    before, network = machine.tree(*PLACES), live(machine)
    with pytest.raises(
        HostError, match=r"(?s)Nexthop has invalid gateway.*it rolled back and answers as before"
    ):
        converge(Network(), machine, None, {**WANTED, "gateway": "192.0.2.1"})
    assert live(machine) == network
    assert machine.tree(*PLACES) == before


def test_a_run_that_was_killed_before_it_confirmed(machine: LocalHost) -> None:
    """The next one finds all as it should be but for the timer, and confirms."""
    converge(Network(), machine, None, WANTED)
    machine.run(
        [
            "sh",
            "-c",
            "mkdir -p /var/lib/helicon/network/run; echo 1 > /run/units/active/helicon-network-rollback.timer",
        ]
    )
    assert converge(Network(), machine, WANTED, WANTED) == ["pending"]
    assert live(machine) == ["10.0.0.21/24", "10.0.0.1"]


def test_without_a_timer_nothing_is_changed(machine: LocalHost) -> None:
    """A network is not touched where nothing would put it back."""
    machine.write("/run/no-timers", "")
    before, network = machine.tree(*PLACES), live(machine)
    with pytest.raises(HostError, match=r"rollback timer: expected .*Failed to start transient timer unit"):
        converge(Network(), machine, None, WANTED)
    assert (machine.tree(*PLACES), live(machine)) == (before, network)


def test_it_stays_when_it_is_no_longer_managed(machine: LocalHost) -> None:
    """What keeps us connected comes back only on request."""
    converge(Network(), machine, None, WANTED)
    after = machine.tree(*PLACES)
    Network().remove(site(machine), Network().parse(WANTED))
    assert machine.tree(*PLACES) == after


def test_it_comes_back_on_request(machine: LocalHost) -> None:
    """To the last byte, where the address is the same; twice is fine."""
    before = machine.tree(*PLACES)
    wanted: dict[str, Json] = {**WANTED, "address": "10.0.0.9/24", "restore": True}
    converge(Network(), machine, None, wanted)
    assert machine.tree(*PLACES) != before
    for _ in range(2):
        Network().remove(site(machine), Network().parse(wanted))
        assert machine.tree(*PLACES) == before
        assert live(machine) == ["10.0.0.9/24", "10.0.0.1"]


def test_resolv_conf_is_given_back_to_its_manager(machine: LocalHost) -> None:
    """The link to the stub is there again."""
    converge(Network(), machine, None, WANTED)
    kept = {**WANTED, "resolv_conf": "keep"}
    assert converge(Network(), machine, WANTED, kept) == ["resolv_conf"]
    assert machine.run(["readlink", "/etc/resolv.conf"]).text == "/run/stub-resolv.conf"


def test_the_only_control_plane_keeps_its_address(machine: LocalHost) -> None:
    """Before anything is changed; a worker moves, and a control plane may come back to its own address."""
    machine.write("/var/lib/helicon/membership.json", '{"role": "control-plane", "address": "10.0.0.9"}')
    before = machine.tree(*PLACES)
    told = r"address of the only control plane: expected another .* found a single one, at 10\.0\.0\.9"
    with pytest.raises(Refused, match=told):
        converge(Network(), machine, None, WANTED)
    assert machine.tree(*PLACES) == before
    converge(Network(), machine, None, {**WANTED, "address": "10.0.0.9/24"})
    machine.write("/var/lib/helicon/membership.json", '{"role": "worker", "address": "10.0.0.9"}')
    converge(Network(), machine, None, WANTED)


def test_a_gateway_that_never_comes_is_no_success(machine: LocalHost) -> None:
    """Reachable is not enough: what is asked for has to be there, or all goes back."""
    network = live(machine)
    machine.write(
        "/usr/local/sbin/ifup",
        (machine.read("/usr/local/sbin/ifup") or "").replace("ip route", ": ip route"),
        "0755",
    )
    with pytest.raises(HostError, match=r"found gateway \(absent\) .*; it rolled back"):
        converge(Network(), machine, None, {**WANTED, "deadline": SHORT})
    assert live(machine)[0] == network[0]


@pytest.mark.parametrize("commands", range(3, 9))
def test_it_survives_being_killed(machine: LocalHost, commands: int) -> None:
    """Wherever it is cut off, the next run goes on to the same tree, and the machine stays there."""
    try:
        converge(Network(), CutHost(machine, commands), None, WANTED)
    except Cut:
        machine.run(["sh", "-c", ANSWERS])
        converge(Network(), machine, None, WANTED)
    assert live(machine) == ["10.0.0.21/24", "10.0.0.1"]
    assert converge(Network(), machine, WANTED, WANTED) == []


def test_an_interface_that_nobody_manages_is_said(machine: LocalHost) -> None:
    """What there is, and what to write."""
    machine.run(["rm", "/etc/network/interfaces"])
    with pytest.raises(
        Refused, match=r"network eth0: expected an interface that one of netplan, .*found .*eth0"
    ):
        converge(Network(), machine, None, WANTED)


def test_observed_values_survive_their_property() -> None:
    """Also where something is amiss."""
    state = Network().parse(
        {**WANTED, "address": "10.0.0.9/24 (at start: (absent))", "pending": "x", "file_mode": "0644"}
    )
    assert Network().parse(Network().render(state)) == state
    assert replace(state, amiss={}) != state
