"""Ratios, verdicts and tables from samples."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from bench.contenders.contender import AGAIN, FIRST
from bench.goals import FLOOR, PYINFRA, RACK, SCRIPT, US, Goal, goals
from bench.growth import ONE_CHANGED
from bench.meter import Cost
from bench.report import page
from bench.results import BOARDS, SIMULATED, Results, Sample, number, ratio, spread, table
from bench.rounds import turned


def sample(contender: str, wall: float, *, scenario: str = AGAIN, problems: tuple[str, ...] = ()) -> Sample:
    """One run on boards."""
    cost = Cost(wall=wall, cpu=1.0, memory=50.0)
    return Sample(
        kind=BOARDS,
        contender=contender,
        scenario=scenario,
        size=RACK,
        round=0,
        cost=cost,
        problems=[*problems],
    )


def grown(size: int, commands: float) -> Sample:
    """One changed machine in a simulated rack."""
    return Sample(
        kind=SIMULATED,
        contender=US,
        scenario=ONE_CHANGED,
        size=size,
        round=0,
        cost=Cost(wall=1.0, cpu=1.0, memory=1.0),
        per_host={"last commands": commands, "last span": 1.0, "last bytes": 100.0},
    )


def found(results: Results, text: str) -> Goal:
    """The one goal whose text holds this."""
    (one,) = [goal for goal in goals(results) if text in goal.text]
    return one


def test_goals_compare_medians() -> None:
    """One slow round decides nothing."""
    walls = [(US, 4.0), (US, 5.0), (US, 90.0), (PYINFRA, 5.0), (SCRIPT, 1.0), (FLOOR, 1.0)]
    results = Results(samples=[sample(name, wall) for name, wall in walls])
    assert found(results, "nothing to change: this program over pyinfra").met is True
    limit = found(results, "nothing to change: this program over script + engine's floor")
    assert (limit.found, limit.met, limit.verdict) == (2.5, False, "**not met**, by one run")


def test_a_verdict_by_one_run_says_so() -> None:
    """Of either side: the other may have many."""
    ours = [sample(US, 4.0), sample(US, 5.0)]
    of_one, of_two = (
        found(
            Results(samples=[*ours, *[sample(PYINFRA, 5.0)] * runs]),
            "nothing to change: this program over py",
        )
        for runs in (1, 2)
    )
    assert (of_one.verdict, of_two.verdict) == ("met, by one run", "met")


def test_what_was_not_measured_is_said() -> None:
    """No goal is met by silence."""
    assert {goal.verdict for goal in goals(Results())} == {"not measured"}


def test_a_run_with_problems_counts_nowhere_and_is_listed() -> None:
    """Who did something else was not faster."""
    results = Results(
        samples=[sample(US, 4.0), sample(PYINFRA, 0.1, problems=("bench-001: zone: UTC (found)",))]
    )
    assert found(results, "nothing to change: this program over pyinfra").found is None
    assert "## Runs that do not count\n\n- boards, 13, nothing to change, pyinfra: bench-001: zone" in page(
        results
    )


def test_one_changed_machine_is_compared_across_racks() -> None:
    """The machine that changes, not the whole."""
    results = Results(samples=[grown(5, 10.0), grown(200, 12.0)])
    one = found(results, "provider time")
    assert one.found == 1.0
    assert found(results, "round trips").found == 1.2
    assert found(results, "round trips").met is True


def test_the_page_shows_medians_spread_and_ratios() -> None:
    """Of each contender, over this program's."""
    results = Results(
        samples=[sample(US, 2.0), sample(PYINFRA, 3.0), sample(PYINFRA, 4.0), sample(PYINFRA, 9.0)],
        versions={"pyinfra": "3.10.0"},
    )
    text = page(results)
    assert "| 13 | pyinfra | 4.00 | 3.00-9.00 | 2.00 | 1.00 | 50.0 | 3 |" in text
    assert "pyinfra 3.10.0" in text
    assert "first run" in text.lower()


def test_loads_of_what_is_measured_anew_go() -> None:
    """A former run of more rounds leaves none, and other sizes keep theirs."""
    results = Results(loads={"13 machines, round 1, before": 0.5, "113 machines, round 1, before": 0.7})
    results.forget_loads("13 machines, round")
    assert results.loads == {"113 machines, round 1, before": 0.7}


def test_results_survive_their_file(tmp_path: Path) -> None:
    """The page can be written again without measuring again."""
    results = Results(samples=[sample(US, 2.0, scenario=FIRST), grown(5, 1.0)], loads={"before": 0.5})
    results.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == results
    assert Results.load(tmp_path / "absent.json") == Results()


def test_what_is_measured_anew_replaces_what_was() -> None:
    """Two states of the program are never mixed in one median; other sizes stay, and who takes no part."""
    results = Results(samples=[sample(US, 2.0), grown(5, 1.0)])
    results.drop([BOARDS], [RACK], [SCRIPT])
    assert len(results.samples) == 2
    results.drop([BOARDS], [RACK], [SCRIPT, US])
    assert results.samples == [grown(5, 1.0)]


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (1.234, "1.23"), (12.34, "12.3"), (1234.5, "1234")])
def test_figures_have_the_digits_that_mean_something(value: float | None, text: str) -> None:
    """Three of them."""
    assert number(value) == text


def test_small_helpers() -> None:
    """Ratio, spread, order, table."""
    assert ratio(4.0, 2.0) == 2.0
    assert ratio(None, 2.0) is None and ratio(1.0, None) is None
    assert spread([3.0]) == ""
    assert table(["a"], [["1"]]) == "| a |\n| --- |\n| 1 |\n"


@pytest.mark.parametrize(("names", "rounds"), [("ab", 2), ("abc", 2), ("abcde", 2), ("abcdefgh", 3)])
def test_nobody_is_always_first_or_after_the_same_one(names: str, rounds: int) -> None:
    """As many rounds as are measured: everybody comes after others in each."""
    orders = [turned(names, by) for by in range(rounds)]
    neighbours = [pair for order in orders for pair in itertools.pairwise(order)]
    assert len({order[0] for order in orders}) == rounds
    assert all(sorted(order) == list(names) for order in orders)
    assert len(set(neighbours)) == len(neighbours)


def test_no_contenders_have_an_order() -> None:
    """An empty race is none."""
    assert turned([], 1) == []
