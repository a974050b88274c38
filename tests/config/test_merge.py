"""Merging and taking apart plain data."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from config.merge import has, merged, pruned
from config.problems import Path

KEYS = st.sampled_from("abc")
DATA: st.SearchStrategy[JsonValue] = st.recursive(
    st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(KEYS, DATA)


@given(MAPPINGS)
def test_merging_with_nothing_or_itself_changes_nothing(one: dict[str, JsonValue]) -> None:
    """Empty mappings are neutral, and merging is idempotent."""
    assert merged(one, {}) == merged({}, one) == merged(one, one) == one


@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_last_layer_that_says_a_thing_wins(
    one: dict[str, JsonValue], two: dict[str, JsonValue], three: dict[str, JsonValue]
) -> None:
    """Of Kubernetes' defaults, the rack's and the machine's own, the last one that says a thing wins."""
    whole = merged(merged(one, two), three)
    for key in {*one, *two, *three}:
        top = next(layer[key] for layer in (three, two, one) if key in layer)
        if not isinstance(top, dict):
            assert whole[key] == top


def places(data: JsonValue, path: Path = ()) -> list[Path]:
    """Every place in the data."""
    inside: list[tuple[str | int, JsonValue]] = []
    if isinstance(data, dict):
        inside = list(data.items())
    if isinstance(data, list):
        inside = list(enumerate(data))
    return [path, *(place for step, value in inside for place in places(value, (*path, step)))]


@given(MAPPINGS)
def test_what_is_there_is_found_and_can_be_cut_out(data: dict[str, JsonValue]) -> None:
    """Every place is found; without one there are fewer, and the data itself is as before."""
    every = places(data)
    for place in every[1:]:
        assert has(data, place)
        assert len(places(pruned(data, place))) < len(every)
    assert places(data) == every


@given(MAPPINGS, st.lists(KEYS | st.integers(0, 3), min_size=1, max_size=4))
def test_what_is_not_there_is_not_found_and_cuts_nothing(
    data: dict[str, JsonValue], steps: list[str | int]
) -> None:
    """A place that does not exist leaves the data alone."""
    path = tuple(steps)
    assert has(data, path) == (path in places(data))
    if not has(data, path):
        assert pruned(data, path) == data
