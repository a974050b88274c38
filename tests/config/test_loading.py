"""Loading: a sound rack is complete, and every mistake in another one is named where it stands."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import ConfigurationError, Rack, load, load_file
from config.loading import KEYS, SECRET, check, read_file
from config.problems import Path, Problem, render
from tests.config.injections import MISTAKES, Mistake, sound

RELATIONS: tuple[set[Path], ...] = (
    {("cluster", "pod_cidr"), ("cluster", "service_cidr"), ("cluster", "node_cidr_mask")},
    {("cluster", "endpoint"), ("cluster", "endpoint_address")},
    {("authority", "validity_hours"), ("authority", "early_renewal_hours")},
    {("artifacts",), ("defaults", "containerd")},
)
"""Values that are right or wrong only together: what is wrong with one changes with the other."""


def problems(raw: dict[str, Any]) -> tuple[Problem, ...]:
    """What is wrong with a rack, at least one problem."""
    with pytest.raises(ConfigurationError) as caught:
        load(raw, stack="test")
    return caught.value.problems


def paths(raw: dict[str, Any]) -> list[Path]:
    """Where something is wrong with a rack."""
    return [problem.path for problem in problems(raw)]


def name(mistake: Mistake) -> str:
    """What a test of a mistake is called."""
    return f"{render(mistake.at)}={str(mistake.value)[:30]!r}"


def test_sound_rack_has_no_problem() -> None:
    """The rack that all mistakes are put into loads."""
    assert isinstance(load(sound(), stack="test"), Rack)


@pytest.mark.parametrize("mistake", MISTAKES, ids=name)
def test_mistake_is_reported_where_it_stands(mistake: Mistake) -> None:
    """One mistake gives one line with its path, and says what to write instead."""
    found = {problem.path: str(problem) for problem in problems(mistake.put(sound()))}
    assert mistake.says in found[mistake.path]
    assert found[mistake.path].startswith(f"{render(mistake.path)}: expected ")
    assert "hush" not in "".join(found.values())


@pytest.mark.parametrize("mistake", MISTAKES, ids=name)
def test_mistake_is_reported_once(mistake: Mistake) -> None:
    """No path is reported twice, and nothing is reported that only follows from the mistake."""
    found = paths(mistake.put(sound()))
    assert found == [mistake.path]


def independent(one: Mistake, other: Mistake) -> bool:
    """Whether both mistakes can stand in one rack without one being part of the other."""
    every = [one.at, one.path, other.at, other.path]
    mine, others = every[:2], every[2:]
    nested = any(a[: len(b)] == b or b[: len(a)] == a for a in mine for b in others)
    return not nested and not any({one.at, other.at} <= relation for relation in RELATIONS)


@given(st.permutations(MISTAKES))
def test_each_of_many_mistakes_is_reported(mistakes: list[Mistake]) -> None:
    """However many stand in one rack, and in whatever order they were made."""
    raw, together = sound(), list[Mistake]()
    for mistake in mistakes:
        if all(independent(mistake, other) for other in together):
            together.append(mistake)
            mistake.put(raw)
    assert {mistake.path for mistake in together} <= set(paths(raw))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(MISTAKES)), ids=lambda number: name(MISTAKES[number]))
def test_two_mistakes_are_both_reported(number: int) -> None:
    """One mistake never hides another, whichever two they are."""
    mistake = MISTAKES[number]
    assert sum(independent(mistake, other) for other in MISTAKES) > len(MISTAKES) / 2
    for other in MISTAKES[number + 1 :]:
        if independent(mistake, other):
            both = paths(other.put(mistake.put(sound())))
            assert {mistake.path, other.path} <= set(both)


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["10.0.0.1", "10.0.0.0/24", "arm64", "worker", "1.36.3", "off"])
    | st.dates()
    | st.binary(max_size=4)
)
WORDS = (
    *KEYS,
    "address",
    "roles",
    "connection",
    "bastion",
    "sysctl",
    "labels",
    "taints",
    "files",
    "kubernetes",
)
NAMES = st.sampled_from(WORDS) | st.text(max_size=5) | st.integers() | st.none()
NESTED = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=3 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, NESTED, max_size=5))
def test_arbitrary_data_gives_problems_and_nothing_else(raw: dict[Any, Any]) -> None:
    """Whatever stands in the file, the only exception is the one that names the problems."""
    with pytest.raises(ConfigurationError) as caught:
        load(raw, stack="test")
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 + len(caught.value.problems)


@settings(max_examples=3 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_arbitrary_data_anywhere_in_a_sound_rack_gives_problems_or_a_rack(data: st.DataObject) -> None:
    """Any value in any place: a rack, or the one exception."""
    raw = sound()
    top = data.draw(st.sampled_from(sorted(raw)))
    key = data.draw(st.sampled_from([*sorted(raw[top]), "new"]))
    raw[top][key] = data.draw(NESTED)
    draft = check(raw)
    if draft.problems:
        problems(raw)
    else:
        assert load(raw, stack="test").machines()


def test_alias_that_contains_itself_is_a_problem() -> None:
    """Data without an end is reported and does not hang."""
    raw = sound()
    endless: dict[str, Any] = {}
    raw["cluster"]["kubelet"] = endless
    endless["again"] = endless
    (path,) = {path[:2] for path in paths(raw)}
    assert path == ("cluster", "kubelet")


def test_mistake_in_the_defaults_is_reported_once_for_all_machines() -> None:
    """What every machine inherits is reported where it was written."""
    raw = sound()
    raw["defaults"]["connection"]["port"] = 0
    assert paths(raw) == [("defaults", "connection", "port")]


def test_value_inherited_in_part_is_reported_at_the_part_that_is_wrong() -> None:
    """A machine that adds to a mapping of the defaults is not blamed for what stands there."""
    raw = sound()
    raw["defaults"]["connection"]["bastion"] = {"user": "me", "port": "22"}
    raw["nodes"]["w-1"]["connection"] = {"bastion": {"address": "gate"}}
    found = paths(raw)
    assert ("defaults", "connection", "bastion", "port") in found
    assert not [path for path in found if path[:2] == ("nodes", "w-1")]


def test_problems_come_in_the_order_of_the_file() -> None:
    """Reading down the list means reading down the file."""
    raw = {"nodes": {"a": {}}, "cluster": {"kubernetes": "1", "endpoint": "x"}, "other": 1}
    assert [path[0] for path in paths(raw)] == ["nodes", "nodes", "cluster", "other"]


def test_empty_configuration_names_what_is_needed() -> None:
    """The first problems that a newcomer sees say what to write."""
    assert paths({}) == [("cluster", "kubernetes"), ("cluster", "endpoint"), ("nodes",)]


def test_stack_file_is_read_without_pulumi(tmp_path: FilePath) -> None:
    """Keys of other namespaces are left alone, and the stack is named after the file."""
    lines = ["config:", "  other:key: {a: 1}", "  helicon:cluster: {kubernetes: 1.36.3, endpoint: 10.0.0.1}"]
    lines.append("  helicon:nodes: {one: {address: 10.0.0.1, roles: [control-plane]}}")
    file = tmp_path / "Pulumi.small.yaml"
    file.write_text("\n".join(lines))
    rack = load_file(file)
    assert (rack.stack, rack.cluster.name, list(rack.nodes)) == ("small", "small", ["one"])


def test_encrypted_value_is_not_mistaken_for_a_mapping(tmp_path: FilePath) -> None:
    """Without Pulumi an encrypted value stays hidden, and passes for the text that it is."""
    file = tmp_path / "Pulumi.small.yaml"
    file.write_text("config: {helicon:nodes: {one: {commands: [{stdin: {secure: v1:abc}}]}}}")
    assert read_file(file) == {"nodes": {"one": {"commands": [{"stdin": SECRET}]}}}


@pytest.mark.parametrize("text", ["config: [", "[]", "config: 1", "\x00", "other: {}"])
def test_unreadable_stack_file_is_a_problem(tmp_path: FilePath, text: str) -> None:
    """A file that is no stack file is reported like any other mistake."""
    file = tmp_path / "Pulumi.small.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"Pulumi\.small\.yaml: 1 problem"):
        load_file(file)


def test_missing_stack_file_is_a_problem(tmp_path: FilePath) -> None:
    """A file that is not there is reported like any other mistake."""
    with pytest.raises(ConfigurationError, match="See that the file exists"):
        load_file(tmp_path / "Pulumi.none.yaml")
