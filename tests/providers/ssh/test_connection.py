"""Connection settings as Pulumi properties."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from providers.ssh.connection import Connection

TEXTS = st.text(max_size=8)
PLAIN = st.builds(
    Connection,
    address=TEXTS,
    port=st.integers(1, 65535),
    user=TEXTS,
    agent=st.booleans(),
    keepalive=st.integers(1, 99),
)
CONNECTIONS = st.builds(
    Connection, address=TEXTS, bastion=st.none() | PLAIN, host_key=TEXTS, sudo=st.booleans()
)


@given(CONNECTIONS)
def test_what_is_rendered_is_parsed_back(connection: Connection) -> None:
    """Properties pass through JSON, where Pulumi makes floats of integers, without loss."""
    bag = json.loads(json.dumps(connection.render()), parse_int=float)
    assert Connection.parse(bag) == connection


def test_floats_become_integers_again() -> None:
    """A port of 22.0 would not do in a command line."""
    parsed = Connection.parse({"address": "10.0.0.5", "port": 2222.0})
    assert repr(parsed.port) == "2222"


def test_what_is_missing_or_none_has_its_default() -> None:
    """Pulumi drops None, and an older state holds fewer keys."""
    parsed = Connection.parse({"address": "10.0.0.5", "identity_file": None, "bastion": None})
    assert parsed == Connection(address="10.0.0.5")


def test_keys_of_a_later_version_are_left_out() -> None:
    """A state that a later version wrote can still be destroyed."""
    assert Connection.parse({"address": "a", "sidecar": "x"}) == Connection(address="a")


def test_a_bastion_has_settings_of_its_own() -> None:
    """The way through a bastion is a connection like any other."""
    parsed = Connection.parse({"address": "a", "bastion": {"address": "b", "user": "jump"}})
    assert parsed.bastion == Connection(address="b", user="jump")


def test_the_line_to_type_reaches_the_same_machine() -> None:
    """Errors show the ssh command that goes the same way."""
    bastion = Connection(address="b", user="jump", port=2200)
    connection = Connection(address="a", user="pi", port=2222, identity_file="~/.ssh/id", bastion=bastion)
    assert connection.by_hand == "ssh -J jump@b:2200 -p 2222 -i ~/.ssh/id pi@a"
