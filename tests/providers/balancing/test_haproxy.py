"""HAProxy: its file says the options, and every change to it is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.balancing import haproxy_config
from providers.balancing.haproxy import Haproxy, parse_listener
from providers.balancing.haproxy_config import DEFAULTS
from providers.core.options import complete
from providers.core.service import ServiceState
from providers.core.thing import Json

WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
TIMES = st.from_regex(r"[1-9][0-9]?(ms|s|m|h)", fullmatch=True)
ADDRESSES = st.builds("10.0.0.{}:6443".format, st.integers(1, 254))
PORTS = st.integers(1, 65535)
OPTIONS: st.SearchStrategy[dict[str, Json]] = st.fixed_dictionaries(
    {
        "bind": PORTS,
        "balance": st.sampled_from(["roundrobin", "leastconn"]),
        "backends": st.dictionaries(WORDS, ADDRESSES, max_size=4),
        "timeout_connect": TIMES,
        "timeout_client": TIMES,
        "timeout_server": TIMES,
        "maxconn": st.integers(1, 100000),
        "check_interval": TIMES,
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
        ("inter 1s", "inter 9s", "check_interval", "9s"),
        ("rise 2", "rise 9", "rise", 9),
        ("    option log-health-checks\n", "", "log_health_checks", False),
        ("maxconn 4000", "maxconn 4", "maxconn", 4),
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
    """The page of statistics counts when it is on."""
    on: dict[str, Any] = {"stats": {"enabled": True, "port": 9000, "address": "127.0.0.1"}}
    assert haproxy_config.ports(complete(DEFAULTS, {})) == [6443]
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
