"""HAProxy: its file says the options, and every change to it is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.balancing import haproxy_config
from providers.balancing.haproxy import Haproxy, parse_listener
from providers.balancing.haproxy_config import DEFAULTS
from providers.core.errors import HostError
from providers.core.options import complete
from providers.core.service import ServiceState
from providers.core.thing import Json
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live

WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
TIMES = st.from_regex(r"[1-9][0-9]?(ms|s|m|h)", fullmatch=True)
ADDRESSES = st.builds("10.0.0.{}:6443".format, st.integers(1, 254))
PORTS = st.integers(1, 65535)
FORWARDS: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {
        "port": PORTS,
        "servers": st.dictionaries(WORDS, ADDRESSES, max_size=3),
        "proxy_protocol": st.booleans(),
        "timeout": TIMES,
    }
)
OPTIONS: st.SearchStrategy[dict[str, Json]] = st.fixed_dictionaries(
    {
        "bind": st.integers(6000, 6999),
        "further_binds": st.lists(st.integers(7000, 7999), max_size=2, unique=True),
        "balance": st.sampled_from(["roundrobin", "leastconn"]),
        "backends": st.dictionaries(WORDS, ADDRESSES, max_size=4),
        "forwards": st.dictionaries(WORDS, FORWARDS, max_size=2),
        "timeout_connect": TIMES,
        "timeout_client": TIMES,
        "timeout_server": TIMES,
        "timeout_check": TIMES,
        "retries": st.integers(0, 9),
        "maxconn": st.integers(1, 100000),
        "check_interval": TIMES,
        "check_fast_interval": TIMES,
        "hard_stop_after": TIMES,
        "log_target": st.sampled_from(["/dev/log", "10.0.0.7:514"]),
        "log_connections": st.booleans(),
        "fall": st.integers(1, 9),
        "rise": st.integers(1, 9),
        "stats": st.fixed_dictionaries(
            {"enabled": st.just(True), "address": st.just("10.0.0.5"), "port": PORTS}
        ),
        "admin_socket": st.booleans(),
        "log_health_checks": st.booleans(),
        "hatop_alias": st.just(True),
    }
)


@given(OPTIONS)
def test_a_written_file_is_read_back_as_its_options(options: dict[str, Json]) -> None:
    """What is written is what is found, so that nothing differs after a change."""
    assert haproxy_config.parse(haproxy_config.text(options)) == options


@pytest.mark.parametrize(
    ("was", "now", "option", "value"),
    [
        ("bind *:6443", "bind *:7443", "bind", 7443),
        ("balance roundrobin", "balance leastconn", "balance", "leastconn"),
        ("timeout client 3h", "timeout client 1m", "timeout_client", "1m"),
        ("inter 500ms", "inter 9s", "check_interval", "9s"),
        ("rise 2", "rise 9", "rise", 9),
        ("    option log-health-checks\n", "", "log_health_checks", False),
        ("maxconn 4000", "maxconn 4", "maxconn", 4),
        (" fastinter 100ms", " fastinter 9s", "check_fast_interval", "9s"),
        ("    retries 3", "    retries 0", "retries", 0),
        ("    timeout check 3s", "    timeout check 9s", "timeout_check", "9s"),
        ("bind *:6443", "bind *:6443\n    bind *:7443", "further_binds", [7443]),
    ],
)
def test_a_line_changed_by_hand_is_named(was: str, now: str, option: str, value: Json) -> None:
    """Exactly that option is found to differ."""
    options = complete(DEFAULTS, {"backends": {"cp-1": "10.0.0.1:6443"}})
    text = haproxy_config.text(options)
    assert was in text
    assert haproxy_config.parse(text.replace(was, now)) == {**options, option: value}


def test_an_unset_line_is_absent() -> None:
    """A file without the line has no value for its option."""
    assert haproxy_config.parse("")["timeout_connect"] is None


def test_defaults_need_not_be_given() -> None:
    """Options that are left out equal the defaults."""
    thing = Haproxy()
    given_all, given_none = thing.parse(dict(DEFAULTS)), thing.parse({})
    assert thing.plan(given_all, given_none) == thing.plan(given_none, given_all) == []


def test_ports_are_those_that_are_listened_on() -> None:
    """What is forwarded counts, and the page of statistics when it is on."""
    on: dict[str, Any] = {"stats": {"enabled": True, "port": 9000, "address": "127.0.0.1"}}
    forwards: dict[str, Any] = {"http": {"port": 80}, "https": {"port": 443}}
    further = complete(DEFAULTS, {"forwards": forwards, "further_binds": [7443]})
    assert haproxy_config.ports(complete(DEFAULTS, {})) == [6443]
    assert haproxy_config.ports(further) == [6443, 7443, 80, 443]
    assert haproxy_config.ports(complete(DEFAULTS, on)) == [6443, 9000]


def test_listeners_are_named() -> None:
    """From `ss -ltnp`, several processes each once."""
    line = 'LISTEN 0 5 *:6443 *:* users:(("nginx",pid=7,fd=5),("nginx",pid=8,fd=5))'
    assert parse_listener(line) == "nginx (pid 7), nginx (pid 8)"
    assert parse_listener("") == ""
    assert parse_listener("LISTEN 0 5 *:6443 *:*") == "another process"


def test_an_absent_file_differs_once() -> None:
    """Not each of its options is listed."""
    changes = Haproxy().plan(ServiceState(options=None), Haproxy().parse({"bind": 1}))
    assert [change.field for change in changes] == ["file"]


CHECKER = """#!/bin/sh
[ "$1" = -c ] || exit 64
grep -q 'client long' "$3" || exit 0
echo "[ALERT] unexpected character" >&2; exit 1
"""
PLACES = ("/etc/haproxy", "/etc/profile.d", "/etc/systemd/system", "/run/units/active")
FIRST: dict[str, Json] = {"bind": 16443, "backends": {"cp-1": "10.0.0.1:6443"}}
SECOND: dict[str, Json] = {**FIRST, "backends": {"cp-1": "10.0.0.1:6443", "cp-2": "10.0.0.2:6443"}}


@pytest.fixture
def balancer(local_host: LocalHost) -> LocalHost:
    """A machine with the package's configuration, a checker that knows one mistake, and no hatop to be had."""
    local_host.stand_in("systemctl")
    local_host.write("/usr/local/sbin/haproxy", CHECKER, "0755")
    local_host.write("/usr/local/sbin/apt-cache", "#!/bin/sh\nexit 100\n", "0755")
    local_host.write("/usr/lib/systemd/system/haproxy.service", "[Install]\n")
    local_host.write("/etc/haproxy/haproxy.cfg", "# as packaged\n")
    local_host.run(["systemctl", "enable", "-q", "haproxy.service"])
    local_host.run(["systemctl", "start", "haproxy.service"])
    return local_host


def test_its_whole_life(balancer: LocalHost) -> None:
    """A control plane more, a line by hand, and in the end the packaged configuration."""
    damage = ["sed -i 's/^    balance .*/    balance source/' /etc/haproxy/haproxy.cfg"]
    assert live(Haproxy(), balancer, FIRST, SECOND, damage, PLACES) == ["balance"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(balancer: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Haproxy(), balancer, SECOND, PLACES) > 3


def test_what_the_checker_refuses_changes_nothing(balancer: LocalHost) -> None:
    """The configuration that works stays in place, and runs."""
    converge(Haproxy(), balancer, None, FIRST)
    before = balancer.tree("/etc/haproxy")
    with pytest.raises(HostError, match=r"a configuration that `haproxy -c` accepts.*unexpected character"):
        converge(Haproxy(), balancer, FIRST, {**FIRST, "timeout_client": "long"})
    assert balancer.tree("/etc/haproxy") == before
