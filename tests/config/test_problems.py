"""How problems read."""

from __future__ import annotations

import pytest

from config.problems import ConfigurationError, Path, Problem, did_you_mean, render, show

PROBLEM = Problem(path=("nodes", "w-1"), expected="a\nmapping", found="1", suggestion="Write {}.")


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (("nodes", "pandore", "address"), "nodes.pandore.address"),
        (("nodes", "w-1", "taints", 0, "effect"), "nodes.w-1.taints[0].effect"),
        (("nodes", "w-1", "labels", "my.topology/rack"), 'nodes.w-1.labels["my.topology/rack"]'),
        ((), "(top)"),
    ],
)
def test_path_is_written_as_people_write_it(path: Path, written: str) -> None:
    """Dots between keys, brackets around indices and unusual keys."""
    assert render(path) == written


def test_each_problem_is_one_line() -> None:
    """The text has a heading and one line for each problem, whatever is in them."""
    error = ConfigurationError([PROBLEM, PROBLEM], source="Pulumi.lab.yaml")
    line = "  nodes.w-1: expected a mapping, found 1. Write {}."
    assert str(error).splitlines() == ["Pulumi.lab.yaml: 2 problems", line, line]


def test_long_values_are_cut() -> None:
    """A value that fills the screen is shown by its beginning."""
    assert len(show("x" * 1000)) < 80


@pytest.mark.parametrize(
    ("word", "suggestion"),
    [
        ("Adress", 'Did you mean "address"?'),
        ("ROLES", 'Did you mean "roles"?'),
        ("zzz", "Known: address, roles."),
    ],
)
def test_suggestion_is_the_closest_word_or_all(word: str, suggestion: str) -> None:
    """A slip of the keyboard is told from a word that means something else."""
    assert did_you_mean(word, ["address", "roles"]) == suggestion
