"""The parts of a run, from runs without them; and state in several stacks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench import backends, layers
from bench.backends import AT_END, BACKENDS, LOCAL, together
from bench.contenders.contender import AGAIN, FIRST, Command
from bench.meter import Cost
from bench.profile import ALONE, AT_ONCE, BARE, EMPTY, IDLE, PROFILE, STILL, UNSEEN, WHOLE, let_go
from bench.report import page
from bench.results import Results, Sample
from bench.simulated import Count, Machine, plan

SIZE = 13
WALLS = ((EMPTY, 2.0), (IDLE, 4.0), (AT_ONCE, 7.0), (UNSEEN, 9.0), (BARE, 10.0), (STILL, 6.0), (WHOLE, 14.0))
COUNTED = {
    "connections": 1.0,
    "commands": 5.0,
    "work": 0.75,
    "network": 0.25,
    "logins": 1.0,
    "their processor": 0.5,
}


def sample(
    kind: str, name: str, scenario: str, wall: float, counted: dict[str, float], size: int = SIZE
) -> Sample:
    """One run."""
    return Sample(
        kind=kind,
        contender=name,
        scenario=scenario,
        size=size,
        round=0,
        cost=Cost(wall=wall, cpu=1.0, memory=1.0),
        per_host=dict(counted),
    )


@pytest.fixture
def profiled() -> Results:
    """All cases of one scenario and size."""
    cases = [sample(PROFILE, case.name, AGAIN, wall, COUNTED) for case, wall in WALLS]
    lone = sample(PROFILE, ALONE, FIRST, 1.0, {"start": 0.5, "connect": 0.5, "turn": 0.1})
    return Results(samples=[*cases, lone])


def test_the_parts_are_the_whole(profiled: Results) -> None:
    """Nothing is counted twice, nothing left out."""
    (one,) = layers.splits(profiled)
    assert sum(one.layers.values()) == pytest.approx(one.whole) == 14.0
    assert list(one.layers) == list(layers.LAYERS)


def test_each_part_is_what_goes_without_it(profiled: Results) -> None:
    """In the order of the layers."""
    (one,) = layers.splits(profiled)
    assert list(one.layers.values()) == pytest.approx(
        [2.0, 0.5, 1.5, 0.5, 0.5, 2.0, 0.75, 0.25, 1.0, 1.0, 4.0]
    )
    assert one.refresh == 4.0
    assert one.largest == "checkpoint writes"


def test_a_run_that_is_missing_leaves_no_half_table(profiled: Results) -> None:
    """A part cannot be told without both its runs."""
    profiled.samples = [one for one in profiled.samples if one.contender != IDLE.name]
    assert layers.splits(profiled) == []
    assert "Where the time goes" not in page(profiled)


def test_the_page_names_the_largest_part(profiled: Results) -> None:
    """With its share."""
    text = page(profiled)
    assert (
        "nothing to change, 13 machines: 14.0 s, of which 4.00 s (29%) for checkpoint writes; 4.00 s" in text
    )
    assert "| preflight | 1.00 |" in text


def test_machines_without_waiting_share_nothing() -> None:
    """A dry run without refresh asks nobody."""
    assert layers.shares(1.0, [0.0, 0.0]) == [1.0, 0.0]


def test_what_machines_let_go_by_is_an_average() -> None:
    """Of one machine."""
    machines = [Machine(one) for one in plan(2, 2222)]
    machines[0].count = Count(commands=4, work=1.0, logins=0.5)
    found = let_go(machines)
    assert (found["size"], found["commands"], found["work"], found["logins"]) == (2, 2.0, 0.5, 0.25)


def test_the_cost_of_writing_is_told_by_how_it_grows() -> None:
    """Beside the table of ways out."""
    walls = [(50, LOCAL, 10.0), (50, AT_END, 5.0), (200, LOCAL, 90.0), (200, AT_END, 10.0)]
    found = [sample(BACKENDS, name, FIRST, wall, {"checkpoint": 1024.0}, size) for size, name, wall in walls]
    assert "16.0 times as long for 4.00 times the machines" in backends.told(Results(samples=found))
    assert "| 200 | local file, written at the end only | 1.00 | 10.0 | 0.11 |" in page(
        Results(samples=found)
    )
    assert backends.told(Results()) == ""


@pytest.mark.parametrize("side_by_side", [True, False])
def test_stacks_run_together_and_fail_together(tmp_path: Path, side_by_side: bool) -> None:
    """Each with its own state."""
    commands = [
        Command(argv=["sh", "-c", line], env={"PULUMI_BACKEND_URL": name}, cwd=tmp_path)
        for name, line in (
            ("a", 'echo "$PULUMI_BACKEND_URL" >> said'),
            ("b", 'echo "$PULUMI_BACKEND_URL" >> said'),
        )
    ]
    one = together(commands, side_by_side=side_by_side)
    assert subprocess.run(one.argv, cwd=one.cwd, check=False).returncode == 0
    assert sorted((tmp_path / "said").read_text().split()) == ["a", "b"]
    failing = Command(argv=["false"], env={"PULUMI_BACKEND_URL": "c"}, cwd=tmp_path)
    bad = together([failing, commands[0]], side_by_side=side_by_side)
    assert subprocess.run(bad.argv, cwd=bad.cwd, check=False).returncode != 0
