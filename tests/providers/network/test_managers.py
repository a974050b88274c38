"""Managers of networks: what they write they read back, what they mark out, and which one a machine uses."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.network import dhcpcd, ifupdown, netplan, networkd, networkmanager
from providers.network.backend import Backend, with_block, without_block
from providers.network.links import File, Links
from providers.network.managers import MANAGERS, manager_of
from providers.network.settings import Settings, resolv_conf, resolver

_address = st.ip_addresses(v=4).map(str)
_name = st.from_regex(r"[a-z]{1,6}(\.[a-z]{1,4})?", fullmatch=True)
SETTINGS = st.builds(
    Settings,
    address=st.tuples(_address, st.integers(8, 30)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    gateway=st.one_of(st.none(), _address),
    dns=st.lists(_address, max_size=3, unique=True).map(tuple),
    search=st.lists(_name, max_size=2, unique=True).map(tuple),
)
DHCP = """# loopback
auto lo eth0
iface lo inet loopback
iface eth0 inet dhcp
    hostname cp-1
iface eth0 inet6 auto
"""
ABOUT_DHCPCD = (
    "hostname\npersistent\ninterface eth0\nstatic ip_address=10.0.0.9/24\nstatic ip6_address=fd00::9/64\n"
)
every_manager = pytest.mark.parametrize("manager", MANAGERS, ids=lambda one: one.name)


def applied(manager: Backend, interface: str, settings: Settings, found: dict[str, str]) -> dict[str, str]:
    """The machine's files after a change."""
    wanted = manager.files(interface, settings, found)
    return {path: text for path, text in {**found, **wanted}.items() if text is not None}


@every_manager
@given(settings=SETTINGS, other=SETTINGS)
def test_what_is_written_is_read_back(manager: Backend, settings: Settings, other: Settings) -> None:
    """Also over earlier settings of ours, and what was there before comes out the same."""
    base = {ifupdown.FILE: DHCP, dhcpcd.FILE: ABOUT_DHCPCD}
    first = applied(manager, "eth0", other, base)
    second = applied(manager, "eth0", settings, first)
    assert manager.read("eth0", second) == settings
    assert second == applied(manager, "eth0", settings, base)
    assert applied(manager, "eth0", settings, second) == second


@every_manager
@given(settings=SETTINGS)
def test_settings_of_another_interface_are_not_ours(manager: Backend, settings: Settings) -> None:
    """What stands there for eth1 says nothing of eth0."""
    assert manager.read("eth0", applied(manager, "eth1", settings, {})) == Settings()


@every_manager
@given(settings=SETTINGS)
def test_the_resolver_s_owner_is_read_back(manager: Backend, settings: Settings) -> None:
    """Where the manager would write /etc/resolv.conf, its files can forbid it, and allow it again."""
    own = dataclasses.replace(settings, own_resolver=True)
    first = applied(manager, "eth0", own, {})
    assert manager.read("eth0", first).own_resolver is manager.writes_resolver
    assert manager.read("eth0", applied(manager, "eth0", settings, first)) == settings


@given(SETTINGS)
def test_a_resolv_conf_is_read_back(settings: Settings) -> None:
    """Name servers and search domains."""
    assert resolver(resolv_conf(settings)) == (settings.dns, settings.search)


def test_ifupdown_marks_out_only_ipv4_of_the_interface() -> None:
    """Loopback, IPv6 and comments stay as they are; a file of interfaces.d is searched as well."""
    below = {
        ifupdown.FILE: DHCP,
        "/etc/network/interfaces.d/eth0": "iface eth0 inet static\n  address 10.0.0.8/24\n",
    }
    after = applied(ifupdown.Ifupdown(), "eth0", Settings(address="10.0.0.21/24"), below)
    assert (
        "\n#helicon: iface eth0 inet dhcp\n#helicon:     hostname cp-1\niface eth0 inet6 auto\n"
        in after[ifupdown.FILE]
    )
    assert "\niface lo inet loopback\n" in after[ifupdown.FILE]
    assert after["/etc/network/interfaces.d/eth0"].startswith(
        "#helicon: iface eth0 inet static\n#helicon:   address"
    )


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("auto eth0\niface eth0 inet static\n address 10.0.0.21\n netmask 255.255.255.0\n", "10.0.0.21/24"),
        ("allow-hotplug eth0\niface eth0 inet static\n\taddress 10.0.0.21/24\n", "10.0.0.21/24"),
        ("iface eth0 inet static\n address 10.0.0.21/24\n", None),
        ("auto eth0\niface eth0 inet dhcp\n", None),
        ("auto eth0\niface eth0 inet static\n address 10.0.0.21/24\niface eth0 inet dhcp\n", None),
    ],
)
def test_a_stanza_of_the_user_s_own_counts(text: str, address: str | None) -> None:
    """Where it is the only one and starts with the machine."""
    assert ifupdown.Ifupdown().read("eth0", {ifupdown.FILE: text}).address == address


def test_dhcpcd_keeps_ipv6_and_the_rest() -> None:
    """Only the static IPv4 settings of the interface are marked out."""
    after = applied(dhcpcd.Dhcpcd(), "eth0", Settings(address="10.0.0.21/24"), {dhcpcd.FILE: ABOUT_DHCPCD})
    assert after[dhcpcd.FILE].startswith(
        ABOUT_DHCPCD.replace("static ip_address", "#helicon: static ip_address")
    )


def test_the_procedure_s_photon_file() -> None:
    """The sections that reference 003 writes by hand."""
    settings = Settings(address="10.0.0.21/24", gateway="10.0.0.1", dns=("10.0.0.2",))
    assert networkd.Networkd().files("eth0", settings, {})[networkd.FILE] == (
        "[Match]\nName=eth0\n\n[Network]\nAddress=10.0.0.21/24\nGateway=10.0.0.1\nDNS=10.0.0.2\n"
    )


def test_netplan_s_definition_is_one_of_its_own() -> None:
    """Lists of one definition are joined over files: the former address would stay."""
    text = netplan.Netplan().files("eth0", Settings(address="10.0.0.21/24", gateway="10.0.0.1"), {})[
        netplan.FILE
    ]
    assert text is not None
    assert "    0-helicon:\n      match:\n        name: eth0\n      dhcp4: false\n" in text


@given(st.text(max_size=60), st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), max_size=3))
def test_a_block_comes_and_goes(text: str, lines: list[str]) -> None:
    """The rest of the file is the same, but for the end of its last line."""
    whole = with_block(text, lines)
    assert without_block(whole) in (without_block(text), without_block(text) + "\n")
    assert with_block(whole, lines) == whole


def links(**how: Any) -> Links:
    """A machine on which nothing manages the network."""
    nothing: dict[str, Any] = {
        "addresses": {"eth0": ["10.0.0.9/24"], "eth1": []},
        "gateways": {"eth0": "10.0.0.1"},
        "active": frozenset(),
        "nm": {},
        "networkd": {},
        "tools": frozenset(),
        "files": {},
        "pending": False,
    }
    return Links(**{**nothing, **how})


FILE = File(text="", mode="0644")
INTERFACES = {ifupdown.FILE: FILE}


@pytest.mark.parametrize(
    ("how", "name"),
    [
        ({}, None),
        ({"tools": frozenset({"ifup"}), "files": INTERFACES}, "ifupdown"),
        ({"tools": frozenset({"ifup"}), "files": INTERFACES, "active": frozenset({"dhcpcd"})}, "dhcpcd"),
        ({"active": frozenset({"systemd-networkd"}), "networkd": {"eth0": "configured"}}, "systemd-networkd"),
        (
            {
                "active": frozenset({"systemd-networkd"}),
                "networkd": {"eth0": "unmanaged"},
                "tools": frozenset({"ifup"}),
                "files": INTERFACES,
            },
            "ifupdown",
        ),
        (
            {"active": frozenset({"NetworkManager"}), "nm": {"eth0": ("ethernet", "connected")}},
            "NetworkManager",
        ),
        (
            {
                "active": frozenset({"NetworkManager"}),
                "nm": {"eth0": ("ethernet", "unmanaged")},
                "tools": frozenset({"ifup"}),
                "files": INTERFACES,
            },
            "ifupdown",
        ),
        (
            {
                "active": frozenset({"NetworkManager"}),
                "nm": {"eth0": ("ethernet", "connected")},
                "tools": frozenset({"netplan"}),
                "files": {"/etc/netplan/50-cloud-init.yaml": FILE},
            },
            "netplan",
        ),
        (
            {
                "active": frozenset({"NetworkManager"}),
                "nm": {"eth0": ("ethernet", "connected")},
                "tools": frozenset({"netplan"}),
            },
            "NetworkManager",
        ),
    ],
)
def test_the_manager_is_a_fact(how: dict[str, Any], name: str | None) -> None:
    """Whoever really sets up the interface, not whoever is installed."""
    found = manager_of(links(**how), "eth0")
    assert (found.name if found else None) == name


def test_the_interface_is_a_fact() -> None:
    """The named one, the one with the address, the one we came in by, the default route's."""
    machine = links(addresses={"eth0": ["10.0.0.9/24"], "eth1": ["10.1.0.9/24"]})
    assert machine.interface("eth7", "10.0.0.9/24", "") == "eth7"
    assert machine.interface("", "10.1.0.9/24", "10.0.0.9") == "eth1"
    assert machine.interface("", "10.9.0.9/24", "10.1.0.9") == "eth1"
    assert machine.interface("", "10.9.0.9/24", str(IPv4Address(0))) == "eth0"


def test_our_keyfile_is_preferred_and_names_its_interface() -> None:
    """Others of the same interface stay, and lose."""
    text = networkmanager.keyfile(
        "eth0", Settings(address="10.0.0.21/24", gateway="10.0.0.1", search=("a", "b"))
    )
    assert "interface-name=eth0\nautoconnect-priority=999\n" in text
    assert "[ipv4]\nmethod=manual\naddress1=10.0.0.21/24\ngateway=10.0.0.1\ndns-search=a;b;\n" in text
