"""The scenario runner and the fake host: they fail where they should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from providers.core.errors import CommandFailed
from tests import scenarios
from tests.fake_host import Answer, Command, FakeHost, matches, pattern, shown
from tests.scenarios import play

DRIFT: dict[str, Any] = {
    "kind": "drift",
    "wanted": "cp-1",
    "questions": {"cat /etc/hostname": "cp-1", "hostname": "other"},
    "plan": {"running": ["other", "cp-1"]},
    "commands": [
        "<journal.keep_and_remember> ...",
        {"run": "hostname cp-1", "then": {"hostname": "cp-1"}},
    ],
}


def write(tmp_path: Path, **changes: object) -> Path:
    """A scenario file like DRIFT, with changes."""
    path = tmp_path / "hostname" / "made.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump({**DRIFT, **changes}))
    return path


def test_a_right_scenario_passes(tmp_path: Path) -> None:
    """The one that the others are changed from."""
    play(write(tmp_path))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"commands": DRIFT["commands"][:1]}, "unexpected command\n   found: hostname cp-1"),
        ({"commands": [*DRIFT["commands"], "true"]}, "never run: true"),
        ({"commands": [*DRIFT["commands"][:1], "hostname cp-1"]}, "still differs"),
        ({"plan": {}}, "plan\nexpected: {}"),
        ({"questions": {"hostname": "other"}}, "unexpected question cat /etc/hostname"),
        ({"questions": {**DRIFT["questions"], "id": "0"}}, "never asked: .'id'"),
        ({"error": {"parts": ["x"]}}, "none was raised"),
        ({"kind": "drfit"}, "unknown kind drfit"),
        ({"want": "cp-1"}, "unknown keys"),
    ],
)
def test_a_wrong_scenario_fails(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    """Whatever is not as written is named."""
    with pytest.raises(AssertionError, match=told):
        play(write(tmp_path, **changes))


def test_a_command_that_fails_raises_only_where_it_is_checked() -> None:
    """As Host.run promises."""
    host = FakeHost(commands=[Command(argv=("a",), answer=Answer(exit=3))] * 2)
    assert host.run(["a"], check=False).exit_status == 3
    with pytest.raises(CommandFailed, match="found 3"):
        host.run(["a"])


@pytest.mark.parametrize("given", [{"stdin": b"other"}, {"stdin": b""}, {"stdin": b"in", "secret": True}])
def test_input_and_secrecy_are_part_of_a_command(given: dict[str, bytes]) -> None:
    """A command with another input is another command."""
    host = FakeHost(commands=[Command(argv=("a",), stdin="in")])
    with pytest.raises(AssertionError):
        host.run(["a"], **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "argv", "same"),
    [
        ("a *", ["a", "b c"], True),
        ("a *", ["a"], False),
        ("a ...", ["a"], True),
        ("a ...", ["a", "b", "c"], True),
        ("a b", ["a", "b", "c"], False),
        ("a 'b c'", ["a", "b c"], True),
    ],
)
def test_patterns(written: str, argv: list[str], same: bool) -> None:
    """`*` is any one argument, a last `...` any others."""
    assert matches(pattern(written), argv) is same


def test_a_script_is_shown_by_its_name() -> None:
    """What a failure prints can be copied into a scenario."""
    argv = pattern("<journal.recall> * 'a key'")
    assert shown(argv) == "<journal.recall> '*' 'a key'"


def test_the_scenarios_are_found() -> None:
    """An empty directory would pass every test."""
    assert len(scenarios.scenario_files()) > 50
