"""What the resources of a process share: connections, also to a machine whose address changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.session import Session
from providers.ssh.connection import Connection
from providers.ssh.following import FollowingHost
from tests.config.injections import sound

FORMER = Connection(address="10.0.0.9", user="pi")


def test_a_machine_with_its_address_has_one_connection() -> None:
    """Other settings of a connection are simply the current ones."""
    session = Session({})
    now = replace(FORMER, user="admin")
    assert session.either("cp-1", now, FORMER) is session.host("cp-1", now)


def test_a_machine_whose_address_changed_is_looked_for_at_both() -> None:
    """Once for all of its resources."""
    session = Session({})
    now = replace(FORMER, address="10.0.0.21")
    host = session.either("cp-1", now, FORMER)
    assert isinstance(host, FollowingHost)
    assert str(host) == "cp-1 (10.0.0.21)"
    assert session.either("cp-1", now, FORMER) is host
    assert session.host("cp-1", now) is host  # other machines' resources, and new ones of this one


@pytest.mark.parametrize("moves", [True, False])
def test_an_update_knows_the_former_connection_of_a_machine_that_it_moves(moves: bool) -> None:
    """It stands in the state of the last run; an address that is only written down is where the machine is."""
    raw = sound()
    if moves:
        raw["nodes"]["cp-1"]["network"] = {"gateway": "10.0.0.1"}
    about = {"urn": "urn:pulumi:rpi::helicon::x::cp-1", "machine": "cp-1"}
    news = {**about, "connection": {"address": raw["nodes"]["cp-1"]["address"]}}
    site = Session(raw).site(news, former={**about, "connection": {"address": "10.0.0.9"}})
    assert isinstance(site.host, FollowingHost) == moves


def test_a_rack_knows_the_machines_of_its_etcd() -> None:
    """As the stack file lists them; none where etcd is stacked, or where no configuration can be read."""
    urn = "urn:pulumi:rpi::helicon::x::etcd-1"
    raw = {**sound(), "etcd_members": {"etcd-1": {"address": "10.0.0.41"}}}
    assert list(Session(raw).rack(urn).etcd_members()) == ["etcd-1"]
    assert list(Session(sound()).rack(urn).etcd_members()) == []
    assert list(Session({}).rack(urn).etcd_members()) == []
