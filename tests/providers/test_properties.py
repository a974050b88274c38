"""What holds for every managed thing, whatever its values."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.core.thing import ABSENT, Json, Thing
from providers.kinds import KINDS
from tests.scenarios import KINDS as SCENARIO_KINDS
from tests.scenarios import Scenario, load, scenario_files

AnyThing = Thing[Any]
THINGS = {thing.name: thing for kind in KINDS.values() for thing in kind.things}

_name = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4})?", fullmatch=True)
_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
_line = st.from_regex(r"[!-~]{1,8}( [!-~]{1,4})?", fullmatch=True)
_path = _name.map(lambda name: f"/etc/{name}")
_address = st.ip_addresses().map(str)
_file: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {"content": _text, "mode": st.sampled_from(["0644", "0600", "4755"]), "owner": _name, "group": _name}
)
_unit: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {"enabled": st.booleans(), "active": st.booleans()}, optional={"content": _text}
)
_key = st.lists(_name, min_size=2, max_size=3).map(".".join)
WANTED: dict[str, st.SearchStrategy[Json]] = {
    "hostname": _name,
    "hosts": st.dictionaries(_address, st.lists(_name, min_size=1, max_size=3), max_size=4),
    "clock": st.fixed_dictionaries({"ntp": st.lists(_name, max_size=3), "synchronized": st.booleans()}),
    "files": st.dictionaries(_path, _file, max_size=4),
    "units": st.dictionaries(_name.map(lambda name: f"{name}.service"), _unit, max_size=4),
    "modules": st.lists(_name, unique=True, max_size=4),
    "sysctl": st.dictionaries(_key, _line, max_size=4),
    "swap": st.just("off"),
}
"""Made values; the other things take theirs from their scenarios."""
OBSERVED: dict[str, st.SearchStrategy[Json]] = {
    "hostname": st.one_of(_name, st.tuples(_name, _name).map(lambda two: f"{two[0]} (running as {two[1]})")),
    "hosts": st.dictionaries(_address, st.one_of(st.lists(_name, min_size=1), st.just(ABSENT)), max_size=4),
    "files": st.dictionaries(_path, st.one_of(_file, st.just(ABSENT)), max_size=4),
    "sysctl": st.dictionaries(
        _key, st.tuples(_line, st.just(ABSENT)).map(lambda two: f"{two[0]} (at start: {two[1]})"), max_size=4
    ),
    "swap": st.lists(_path, min_size=1, max_size=3, unique=True).map(
        lambda names: f"on ({', '.join(names)})"
    ),
}
KEYED = ("hosts", "files", "units", "modules", "sysctl")
"""Things whose every value may be wanted, key by key."""
HALF = settings(max_examples=settings().max_examples // 2, suppress_health_check=list(HealthCheck))
"""Half of the usual examples: each of these runs for every managed thing."""


@functools.cache
def scenarios_of(thing: str) -> list[Scenario]:
    """The scenarios of a thing."""
    return [load(path) for path in scenario_files(thing)]


def written(thing: str, *names: str) -> list[Json]:
    """The property values in the scenarios of a thing."""
    found = [getattr(one, name) for one in scenarios_of(thing) for name in names]
    return [value for value in found if value is not None]


def wanted(thing: str) -> st.SearchStrategy[Json]:
    """Property values as a configuration gives them."""
    return WANTED[thing] if thing in WANTED else st.sampled_from(written(thing, "wanted"))


def anything(thing: str) -> st.SearchStrategy[Json]:
    """Property values as they are wanted or observed."""
    seen = st.sampled_from(written(thing, "wanted", "old", "observed", "after"))
    return st.one_of(wanted(thing), OBSERVED.get(thing, seen), seen)


def keys(value: Json) -> set[str]:
    """What a property value names."""
    return (
        set(value)
        if isinstance(value, dict)
        else set(map(str, value if isinstance(value, list) else [value]))
    )


def floats(value: Any) -> Any:
    """The value as Pulumi may hand it over: every number a float."""
    if isinstance(value, dict):
        return {key: floats(one) for key, one in value.items()}
    if isinstance(value, list):
        return [floats(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


every_thing = pytest.mark.parametrize("name", sorted(THINGS))


@every_thing
def test_it_has_a_scenario_of_each_kind(name: str) -> None:
    """Create, no-op, drift and remove are there as data."""
    assert {one.kind for one in scenarios_of(name)} >= set(SCENARIO_KINDS)


@every_thing
@HALF
@given(data=st.data())
def test_what_is_as_wanted_needs_no_change(name: str, data: st.DataObject) -> None:
    """The plan from a state to itself is empty, and so is what would have to be given back."""
    thing, value = THINGS[name], data.draw(wanted(name))
    assert thing.plan(thing.parse(value), thing.parse(value)) == []
    assert thing.minus(thing.parse(value), thing.parse(value)) is None


@every_thing
@HALF
@given(data=st.data())
def test_a_state_survives_its_property(name: str, data: st.DataObject) -> None:
    """What was rendered is parsed back, and rendered the same again."""
    thing = THINGS[name]
    state = thing.parse(data.draw(anything(name)))
    assert thing.parse(thing.render(state)) == state
    assert thing.render(thing.parse(thing.render(state))) == thing.render(state)


@every_thing
@HALF
@given(data=st.data())
def test_numbers_may_come_as_floats(name: str, data: st.DataObject) -> None:
    """Pulumi hands over 6443.0 for 6443."""
    thing, value = THINGS[name], data.draw(wanted(name))
    assert thing.render(thing.parse(floats(value))) == thing.render(thing.parse(value))


@every_thing
@HALF
@given(data=st.data())
def test_only_what_was_managed_is_given_back(name: str, data: st.DataObject) -> None:
    """What an update removes was in the old value, and can be parsed as a value of its own."""
    thing = THINGS[name]
    old, new = thing.parse(data.draw(wanted(name))), thing.parse(data.draw(wanted(name)))
    gone = thing.minus(old, new)
    if gone is not None:
        assert keys(thing.render(gone)) <= keys(thing.render(old))
        assert thing.parse(thing.render(gone)) == gone


@every_thing
@HALF
@given(data=st.data())
def test_every_difference_is_named_once(name: str, data: st.DataObject) -> None:
    """No two changes have the same field, and none says that a thing becomes what it is."""
    thing = THINGS[name]
    current, desired = thing.parse(data.draw(anything(name))), thing.parse(data.draw(wanted(name)))
    changes = thing.plan(current, desired)
    assert len({change.field for change in changes}) == len(changes)


@pytest.mark.parametrize("name", KEYED)
@HALF
@given(data=st.data())
def test_no_difference_is_missed(name: str, data: st.DataObject) -> None:
    """Two wanted values that differ are told apart by the plan or by what is given back."""
    thing = THINGS[name]
    old, new = thing.parse(data.draw(wanted(name))), thing.parse(data.draw(wanted(name)))
    assert old == new or thing.plan(old, new) or thing.minus(old, new) is not None
