"""The address plan."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.boards import plan
from lab.errors import LabError

LAB = plan.Lab()
NAMES = [f"{kind}-{number}" for kind, (_, most) in plan.OFFSETS.items() for number in range(1, most + 1)]


def test_names_have_their_documented_addresses() -> None:
    """The addresses that the lab's stack file gives."""
    found = {board.name: board.address for board in plan.boards(LAB, ["lb-1", "cp-3", "w-1", "w-12"])}
    assert found == {
        "lb-1": "10.123.0.11",
        "cp-3": "10.123.0.23",
        "w-1": "10.123.0.31",
        "w-12": "10.123.0.42",
    }


def test_no_two_boards_share_an_address_and_virtual_ones_stay_free() -> None:
    """Every possible board at once; the gateway and .241 on belong to none."""
    addresses = [board.address for board in plan.boards(LAB, NAMES)]
    assert len(set(addresses)) == len(addresses)
    last = [int(address.rpartition(".")[2]) for address in addresses]
    assert min(last) > 1
    assert max(last) < 241


@given(st.lists(st.sampled_from(NAMES)), st.sampled_from(NAMES))
def test_other_boards_do_not_change_an_address(others: list[str], name: str) -> None:
    """An address is a function of the name alone."""
    found = {board.name: board.address for board in plan.boards(LAB, [*others, name])}
    assert found[name] == plan.Board(lab=LAB, name=name).address


def test_a_second_lab_shares_nothing_with_the_first() -> None:
    """Another name and subnet: other containers, volumes, network and addresses."""
    other = plan.Lab(name="try", subnet=ipaddress.IPv4Network("10.124.0.0/24"))
    first, second = (plan.Board(lab=lab, name="w-1") for lab in (LAB, other))
    assert second.address == "10.124.0.31"
    assert first.container != second.container
    assert not first.volumes.keys() & second.volumes.keys()
    assert (LAB.network, LAB.bridge) != (other.network, other.bridge)


def test_a_bridge_name_fits_the_kernel() -> None:
    """Interface names have at most 15 characters."""
    assert len(plan.Lab(name="a-very-long-name-of-a-lab").bridge) == 15


@pytest.mark.parametrize("name", ["x-1", "w-0", "w-211", "lb", "w-01", "W-1", "w-1a", ""])
def test_a_name_outside_the_plan_is_refused_with_the_names_that_are_in(name: str) -> None:
    """The error lists the kinds and their numbers."""
    with pytest.raises(LabError, match="cp-1 to cp-9"):
        plan.boards(LAB, [name])
