"""The kubelet: its arguments as systemd reads them, and whose unit runs it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from providers.core.thing import Change
from providers.software.kubelet import DROP_IN_TEXT, UNIT_TEXT, Kubelet, args_text, parse_args, parse_unit

NAMES = st.from_regex(r"[a-z][a-z-]{0,10}", fullmatch=True)
ARGS = st.dictionaries(NAMES, st.from_regex(r"[A-Za-z0-9.,:=/-]{1,12}", fullmatch=True))


@given(ARGS)
def test_written_arguments_are_read_back(args: dict[str, str]) -> None:
    """Also values that hold an equals sign."""
    assert parse_args(args_text(dict(args))) == args


def test_a_packaged_file_without_arguments_has_none() -> None:
    """As the package ships it, or missing."""
    assert parse_args("KUBELET_EXTRA_ARGS=\n") == parse_args("") == {}


def test_whose_unit_it_is() -> None:
    """Ours only when both files are exactly ours; one that was changed says so."""
    ours, drop_in = UNIT_TEXT.rstrip(), DROP_IN_TEXT.rstrip()
    assert parse_unit(ours, drop_in) == "managed"
    assert parse_unit("", "") == parse_unit("[Service]", "[Service]") == "packaged"
    assert parse_unit(ours, "") == parse_unit(ours + "\n# by hand", drop_in) == "(differs)"


def test_an_argument_that_left_is_a_change_not_a_removal() -> None:
    """The file is one: dropping an argument rewrites it."""
    thing = Kubelet()
    old, new = thing.parse({"extra_args": {"v": "2"}}), thing.parse({"extra_args": {}})
    assert thing.plan(old, new) == [Change(field="extra_args.v", was="2", now=None)]
    assert thing.minus(old, new) is None
