"""Kernel settings, in a network namespace of their own."""

from __future__ import annotations

import pytest

from providers.core.errors import HostError
from providers.core.thing import Json
from providers.system.sysctl import Sysctl, parse, path
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live

FORWARD, RANGE = "net.ipv4.ip_forward", "net.ipv4.ip_local_port_range"
BOTH: Json = {FORWARD: "1", RANGE: "20000 50000"}


def test_its_whole_life(local_host: LocalHost) -> None:
    """Live and kept values are set, mended and given back."""
    before = _live(local_host, FORWARD), _live(local_host, RANGE)
    damage = [f"echo 0 > {path(FORWARD)}", f"sed -i /{RANGE}/d /etc/sysctl.d/99-helicon.conf"]
    assert live(Sysctl(), local_host, BOTH, {FORWARD: "1"}, damage, ["/etc"]) == [FORWARD, RANGE]
    assert (_live(local_host, FORWARD), _live(local_host, RANGE)) == before


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(local_host: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Sysctl(), local_host, BOTH, ["/etc/sysctl.d"]) > 2


def test_a_key_no_longer_listed_gets_its_value_back_at_once(local_host: LocalHost) -> None:
    """The others keep theirs."""
    before = _live(local_host, RANGE)
    converge(Sysctl(), local_host, None, BOTH)
    assert _live(local_host, RANGE) == "20000\t50000"
    converge(Sysctl(), local_host, BOTH, {FORWARD: "1"})
    assert (_live(local_host, FORWARD), _live(local_host, RANGE)) == ("1", before)


def test_a_setting_that_does_not_exist_is_named(local_host: LocalHost) -> None:
    """With the two things that can be wrong."""
    with pytest.raises(HostError, match=r"cp-1.*net\.no\.such.*expected 1, found no such setting.*modules"):
        converge(Sysctl(), local_host, None, {"net.no.such": "1"})


def test_a_setting_that_cannot_be_written_is_named(local_host: LocalHost) -> None:
    """A container's /proc/sys may be read-only: the key, what was wanted, what there is."""
    local_host.run(["mount", "--bind", "/proc/sys", "/proc/sys"])
    local_host.run(["mount", "-o", "remount,bind,ro", "/proc/sys"])
    with pytest.raises(HostError, match=r"ip_forward: expected 1, found 0, which could not.*Read-only"):
        converge(Sysctl(), local_host, None, {FORWARD: "1"})


@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"),
    ],
)
def test_the_first_separator_of_a_key_counts(key: str, file: str) -> None:
    """As sysctl.d(5) has it, for interfaces with dots in their names."""
    assert path(key) == f"/proc/sys/{file}"


def test_a_file_of_somebody_else_is_understood() -> None:
    """Comments, spaces, lists by tabs and keys whose failure is ignored."""
    assert parse("# a=1\n; b=1\n a.b=1\t 2\n-c = 3\n") == {"a.b": "1 2", "c": "3"}


def _live(host: LocalHost, key: str) -> str:
    return host.run(["cat", path(key)]).text
