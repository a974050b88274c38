"""The goals, each a ratio of what was measured and a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.cluster import CLUSTER, SIZE, TO_CLUSTER
from bench.contenders.contender import AGAIN, FIRST
from bench.growth import AT_END, ONE_CHANGED, REFRESH
from bench.results import BOARDS, SIMULATED, Results, Sample, median, number, ratio, wall

US, FACTS, PYINFRA, SCRIPT, FLOOR = "helicon", "ansible with facts", "pyinfra", "script", "engine's floor"
RACK = 13
"""Machines of the rack that the goals speak of."""
Side = Sequence[Sample]
"""The good runs of one contender, which a goal compares."""
FEW, SMALL, MANY, MOST = 5, 50, 200, 500


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What is wanted, what was found (None: not measured), and the limit; `at_least` or else at most."""

    text: str
    found: float | None
    limit: float
    at_least: bool = False
    unit: str = "times"
    runs: int
    """Of that side which has the fewest."""

    @property
    def met(self) -> bool | None:
        """Whether it is met; None where it was not measured."""
        if self.found is None:
            return None
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    @property
    def verdict(self) -> str:
        """In words."""
        said = {None: "not measured", True: "met", False: "**not met**"}[self.met]
        return f"{said}, by one run" if self.runs == 1 else said

    @property
    def row(self) -> str:
        """The line of a table."""
        bound = "at least" if self.at_least else "at most"
        return f"| {self.text} | {bound} {number(self.limit)} {self.unit} | {number(self.found)} | {self.verdict} |"


def goals(results: Results) -> list[Goal]:
    """All goals, in the order of the issue."""
    return [
        *_side_by_side(results, AGAIN, "nothing to change", faster=20, limit=2),
        *_side_by_side(results, FIRST, "first run", faster=5, limit=1.3),
        _to_cluster(results),
        *_growth(results),
    ]


def _side_by_side(results: Results, scenario: str, name: str, *, faster: float, limit: float) -> list[Goal]:
    """Faster than Ansible by so many times, ahead of pyinfra, and within `limit` of what is possible."""
    ours, facts, pyinfra, script, floor = (
        results.of(BOARDS, one, scenario, RACK) for one in (US, FACTS, PYINFRA, SCRIPT, FLOOR)
    )
    what = f"{RACK} machines, {name}"
    return [
        _ratio(f"{what}: Ansible with facts over this program", [facts], [ours], faster, least=True),
        _ratio(f"{what}: this program over pyinfra", [ours], [pyinfra], 1),
        _ratio(f"{what}: this program over script + engine's floor", [ours], [script, floor], limit),
    ]


def _to_cluster(results: Results) -> Goal:
    ours, script = (results.of(CLUSTER, name, TO_CLUSTER, SIZE) for name in (US, SCRIPT))
    return _ratio("boards to verified cluster: this program over the script", [ours], [script], 1.2)


def _growth(results: Results) -> list[Goal]:
    def of(scenario: str, size: int) -> Side:
        return results.of(SIMULATED, US, scenario, size)

    def one_changed(text: str, key: str) -> Goal:
        many, few = (of(ONE_CHANGED, size) for size in (MANY, FEW))
        return _ratio(text, [many], [few], 1.3, value=lambda one: one.per_host[key])

    what = f"one changed machine of {MANY} over one of {FEW}"
    return [
        one_changed(f"{what}: provider time", "last span"),
        one_changed(f"{what}: round trips", "last commands"),
        one_changed(f"{what}: bytes", "last bytes"),
        _ratio(f"refresh of {MANY} machines over {RACK}", [of(REFRESH, MANY)], [of(REFRESH, RACK)], 10),
        _own_shares(results),
        _memory([of(scenario, MANY) for scenario in (FIRST, AGAIN)]),
    ]


def _own_shares(results: Results) -> Goal:
    sides = [results.of(SIMULATED, name, AT_END, size) for name in (US, FLOOR) for size in (MANY, SMALL)]
    return Goal(
        text=f"{AT_END}, {MANY} machines over {SMALL}, each less the engine's floor, per machine",
        found=ratio(own_share(results, MANY), own_share(results, SMALL)),
        limit=1.1,
        runs=min(map(len, sides)),
    )


def _memory(sides: Sequence[Side]) -> Goal:
    known = [
        one for one in (median(side, lambda run: run.cost.provider) for side in sides) if one is not None
    ]
    return Goal(
        text=f"memory of the provider's process at {MANY} machines",
        found=max(known) if known else None,
        limit=300,
        unit="MiB",
        runs=min(map(len, sides)),
    )


def _ratio(
    text: str,
    one: Sequence[Side],
    other: Sequence[Side],
    limit: float,
    *,
    least: bool = False,
    value: Callable[[Sample], float] = wall,
) -> Goal:
    """The sum of some sides' medians over that of others."""
    found = ratio(_sum(one, value), _sum(other, value))
    runs = min(map(len, (*one, *other)))
    return Goal(text=text, found=found, limit=limit, at_least=least, runs=runs)


def _sum(sides: Sequence[Side], value: Callable[[Sample], float]) -> float | None:
    known = [middle for side in sides if (middle := median(side, value)) is not None]
    return sum(known) if len(known) == len(sides) else None


def own_share(results: Results, size: int) -> float | None:
    """Seconds for each machine of a first run that are neither checkpoints nor the rest of the engine."""
    ours, floor = (results.median(SIMULATED, name, AT_END, size) for name in (US, FLOOR))
    return (ours - floor) / size if ours is not None and floor is not None else None
