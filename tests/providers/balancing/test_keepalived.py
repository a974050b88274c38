"""keepalived: its file says the options, every change to it is named, and nobody's address is taken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.balancing import keepalived_config
from providers.balancing.keepalived import CONFIG, DROP_INS, Keepalived, parse_interface
from providers.balancing.keepalived_config import DEFAULTS
from providers.core.errors import HostError, Refused
from providers.core.options import complete
from providers.core.service import ServiceState
from providers.core.thing import Json
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live

ADDRESSES = st.ip_addresses(v=4).map(str)
OPTIONS: st.SearchStrategy[dict[str, Json]] = st.fixed_dictionaries(
    {
        "address": ADDRESSES,
        "source": ADDRESSES,
        "interface": st.from_regex(r"[a-z][a-z0-9.]{0,14}", fullmatch=True),
        "router_id": st.integers(1, 255),
        "priority": st.integers(101, 200),
        "advert_ms": st.integers(5, 4000).map(lambda hundredths: hundredths * 10),
        "peers": st.lists(ADDRESSES, max_size=4),
        "check": st.fixed_dictionaries(
            {key: st.integers(1, 99) for key in ("port", "interval", "timeout", "fall", "rise")}
        ),
    }
)
WANTED: dict[str, Json] = {
    "address": "10.0.0.50",
    "source": "10.0.0.11",
    "interface": "",
    "router_id": 50,
    "peers": ["10.0.0.12"],
}
PLACES = ("/etc/keepalived", "/etc/systemd", "/run/units/active")
_NETWORK = """
mkdir -p /run/netns && ip netns add peer && ip link add eth0 type veth peer name eth0 netns peer &&
ip link set eth0 up && ip addr add 10.0.0.11/24 dev eth0 &&
ip -n peer link set eth0 up && ip -n peer addr add "$1/24" dev eth0
"""


@pytest.fixture
def machine(local_host: LocalHost) -> Iterator[LocalHost]:
    """A machine with keepalived's packaged unit and an interface, cabled to another one at 10.0.0.12."""
    local_host.stand_in("systemctl", "keepalived")
    local_host.write("/usr/lib/systemd/system/keepalived.service", "[Install]\n")
    # as installing the package leaves it: enabled, and not running for want of a configuration
    local_host.run(["systemctl", "enable", "-q", "keepalived.service"])
    local_host.run(["sh", "-c", _NETWORK, "network", "10.0.0.12"])
    yield local_host
    local_host.run(["ip", "netns", "delete", "peer"])


@given(OPTIONS)
def test_a_written_file_is_read_back_as_its_options(options: dict[str, Json]) -> None:
    """What is written is what is found, so that nothing differs after a change."""
    assert keepalived_config.parse(keepalived_config.text(options)) == options


@pytest.mark.parametrize(
    ("was", "now", "option", "value"),
    [
        ("10.0.0.50/32", "10.0.0.51/32", "address", "10.0.0.51"),
        ("interface eth0", "interface eth1", "interface", "eth1"),
        ("router_id 50", "router_id 51", "router_id", 51),
        ("priority 200", "priority 99", "priority", 99),
        ("advert_int 0.5", "advert_int 3", "advert_ms", 3000),
        ("src_ip 10.0.0.11", "src_ip 10.0.0.13", "source", "10.0.0.13"),
        (
            "        10.0.0.12\n",
            "        10.0.0.12\n        10.0.0.13\n",
            "peers",
            ["10.0.0.12", "10.0.0.13"],
        ),
    ],
)
def test_a_line_changed_by_hand_is_named(was: str, now: str, option: str, value: Json) -> None:
    """Exactly that option is found to differ."""
    options = complete(DEFAULTS, {**WANTED, "interface": "eth0"})
    text = keepalived_config.text(options)
    assert was in text
    assert keepalived_config.parse(text.replace(was, now)) == {**options, option: value}


def test_a_file_of_somebody_else_says_nothing() -> None:
    """None of its options are ours, so that all of them are named."""
    found = keepalived_config.parse("vrrp_instance VI_1 {\n  state MASTER\n}\n")
    assert not keepalived_config.whole(found)
    assert found["address"] is None


def test_machines_of_one_group_never_refuse_to_take_over() -> None:
    """nopreempt would keep a healthy machine from taking over from one whose check fails."""
    text = keepalived_config.text(complete(DEFAULTS, WANTED))
    assert "nopreempt" not in text
    assert "weight -100" in text


def test_the_check_runs_unprivileged_and_ends_before_keepalived_ends_it() -> None:
    """For nobody, never as root; curl gives up a second earlier."""
    text = keepalived_config.text(complete(DEFAULTS, {**WANTED, "check": {"timeout": 4, "port": 8443}}))
    assert "    script_user nobody\n    enable_script_security\n" in text
    assert "--max-time 4 https://127.0.0.1:8443/readyz" in text
    assert "    timeout 5\n" in text


def test_interfaces_are_read_off_ip() -> None:
    """The second word of its line."""
    line = r"2: end0    inet 10.0.0.11/24 brd 10.0.0.255 scope global end0\       valid_lft forever"
    assert (parse_interface(line), parse_interface("")) == ("end0", "")


def test_an_absent_file_differs_once() -> None:
    """Not each of its options is listed."""
    changes = Keepalived().plan(ServiceState(options=None), Keepalived().parse(dict(WANTED)))
    assert [change.field for change in changes] == ["file"]


def test_its_whole_life(machine: LocalHost) -> None:
    """Made, damaged, mended, changed and removed, with the interface that has the machine's address."""
    damage = [f"sed -i 's/priority 200/priority 7/; s/eth0/eth9/' {CONFIG}"]
    changed = {**WANTED, "priority": 199}
    assert live(Keepalived(), machine, dict(WANTED), dict(changed), damage, PLACES) == [
        "interface",
        "priority",
    ]


def test_what_is_added_to_the_units_is_watched(machine: LocalHost) -> None:
    """A drop-in changed by hand shows as content."""
    converge(Keepalived(), machine, None, dict(WANTED))
    assert "interface eth0" in (machine.read(CONFIG) or "")
    machine.run(["rm", next(iter(DROP_INS))])
    assert converge(Keepalived(), machine, dict(WANTED), dict(WANTED)) == ["content"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Keepalived(), machine, dict(WANTED), PLACES) > 4


def test_what_keepalived_refuses_never_goes_in_place(machine: LocalHost) -> None:
    """Its own words are shown, and the file stays as it was."""
    converge(Keepalived(), machine, None, dict(WANTED))
    before = machine.read(CONFIG)
    with pytest.raises(HostError, match=r"`keepalived -t` accepts, found .*unknown_word"):
        converge(Keepalived(), machine, dict(WANTED), {**WANTED, "interface": "unknown_word"})
    assert machine.read(CONFIG) == before


def test_debian_12_ends_its_own_test_by_a_signal(machine: LocalHost) -> None:
    """keepalived 2.2.7 does with every file; one that it says nothing against is as good as accepted."""
    machine.write("/usr/local/sbin/keepalived", "#!/bin/sh\nkill $$\n", "0755")
    assert converge(Keepalived(), machine, None, dict(WANTED)) == ["file"]
    machine.write("/usr/local/sbin/keepalived", "#!/bin/sh\necho Unknown keyword; kill $$\n", "0755")
    with pytest.raises(HostError, match="Unknown keyword"):
        converge(Keepalived(), machine, dict(WANTED), {**WANTED, "priority": 150})


def test_an_address_that_a_stranger_has_is_not_taken(machine: LocalHost) -> None:
    """Its MAC address is named; nothing was written."""
    machine.run(["ip", "-n", "peer", "addr", "add", "10.0.0.50/32", "dev", "eth0"])
    with pytest.raises(Refused, match=r"virtual address 10\.0\.0\.50: .*MAC address is [0-9a-f:]{17}"):
        converge(Keepalived(), machine, None, {**WANTED, "peers": ["10.0.0.13"]})
    assert machine.read(CONFIG) is None


def test_an_address_that_a_peer_holds_already_is_shared(machine: LocalHost) -> None:
    """The second machine of a pair comes after the first one, which has the address by then."""
    machine.run(["ip", "-n", "peer", "addr", "add", "10.0.0.50/32", "dev", "eth0"])
    assert converge(Keepalived(), machine, None, dict(WANTED)) == ["file"]


def test_a_machine_without_its_own_address_is_refused(machine: LocalHost) -> None:
    """No interface can be found then."""
    with pytest.raises(Refused, match=r"one that has 10\.0\.0\.99.*found none"):
        converge(Keepalived(), machine, None, {**WANTED, "source": "10.0.0.99"})
