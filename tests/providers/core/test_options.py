"""Options: completed by defaults, shown for what is managed, compared entry by entry."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from providers.core.options import changes, complete, rendered, shown, whole
from providers.core.thing import ABSENT, Change, Json

WORDS = st.text(max_size=5)
SCALARS = st.one_of(st.booleans(), st.integers(), WORDS, st.lists(WORDS, max_size=2))
ENTRIES = st.dictionaries(st.sampled_from("xyz"), SCALARS, max_size=3)
OPTIONS: st.SearchStrategy[dict[str, Json]] = st.dictionaries(
    st.sampled_from("abcdef"), st.one_of(SCALARS, ENTRIES)
)


def test_floats_become_integers_and_absence_none() -> None:
    """At every depth, as Pulumi hands them over."""
    assert whole({"a": 1.0, "b": [2.0, 2.5], "c": {"d": ABSENT}}) == {"a": 1, "b": [2, 2.5], "c": {"d": None}}
    assert rendered({"c": {"d": None}}) == {"c": {"d": ABSENT}}


@given(OPTIONS)
def test_equal_options_have_no_changes(options: dict[str, Json]) -> None:
    """Comparing options with themselves finds nothing."""
    assert changes(options, options) == []


def test_a_change_names_the_entry() -> None:
    """Entries of a mapping are compared one by one, in both directions."""
    current: dict[str, Json] = {"backends": {"a": "1", "b": "2"}, "bind": 1}
    desired: dict[str, Json] = {"backends": {"b": "3", "c": "4"}, "bind": 1}
    assert changes(current, desired) == [
        Change(field="backends.a", was="1", now=None),
        Change(field="backends.b", was="2", now="3"),
        Change(field="backends.c", was=None, now="4"),
    ]


@given(OPTIONS, OPTIONS, OPTIONS)
@example({"a": False}, {"a": {}}, {"a": {}})
@example({"a": True}, {"a": {"x": 1}}, {"a": {}})
def test_what_is_shown_keeps_every_difference(
    defaults: dict[str, Json], found: dict[str, Json], managed: dict[str, Json]
) -> None:
    """Hiding unmanaged defaults hides no difference: completed again, what was found is whole."""
    whole_found = complete(defaults, found)
    again = complete(defaults, shown(defaults, whole_found, managed))
    assert changes(again, whole_found) == []


def test_a_managed_option_that_is_missing_is_shown_as_absent() -> None:
    """Every managed key stays."""
    assert shown({}, {}, {"a": 1}) == {"a": None}
