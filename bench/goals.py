"""The goals, each a ratio of what was measured and a limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.cluster import CLUSTER, SIZE, TO_CLUSTER
from bench.contenders.contender import AGAIN, FIRST
from bench.growth import AT_END, ONE_CHANGED, REFRESH
from bench.results import BOARDS, SIMULATED, Results, Sample, number, ratio

US, FACTS, PYINFRA, SCRIPT, FLOOR = "helicon", "ansible with facts", "pyinfra", "script", "engine's floor"
RACK = 13
"""Machines of the rack that the goals speak of."""
FEW, SMALL, MANY, MOST = 5, 50, 200, 500


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What is wanted, what was found (None: not measured), and the limit; `at_least` or else at most."""

    text: str
    found: float | None
    limit: float
    at_least: bool = False
    unit: str = "times"

    @property
    def met(self) -> bool | None:
        """Whether it is met; None where it was not measured."""
        if self.found is None:
            return None
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    @property
    def verdict(self) -> str:
        """In words."""
        return {None: "not measured", True: "met", False: "**not met**"}[self.met]

    @property
    def row(self) -> str:
        """The line of a table."""
        bound = "at least" if self.at_least else "at most"
        return f"| {self.text} | {bound} {number(self.limit)} {self.unit} | {number(self.found)} | {self.verdict} |"


def goals(results: Results) -> list[Goal]:
    """All goals, in the order of the issue."""
    return [*_side_by_side(results), _to_cluster(results), *_growth(results)]


def _side_by_side(results: Results) -> list[Goal]:
    def wall(contender: str, scenario: str) -> float | None:
        return results.median(BOARDS, contender, scenario, RACK)

    def limit(scenario: str) -> float | None:
        script, floor = wall(SCRIPT, scenario), wall(FLOOR, scenario)
        return script + floor if script is not None and floor is not None else None

    def goal(text: str, one: float | None, other: float | None, most: float, *, least: bool = False) -> Goal:
        return Goal(text=text, found=ratio(one, other), limit=most, at_least=least)

    ours, first = wall(US, AGAIN), wall(US, FIRST)
    no_change, prepared = f"{RACK} machines, nothing to change", f"{RACK} machines, first run"
    return [
        goal(f"{no_change}: Ansible with facts over this program", wall(FACTS, AGAIN), ours, 20, least=True),
        goal(f"{no_change}: this program over pyinfra", ours, wall(PYINFRA, AGAIN), 1),
        goal(f"{no_change}: this program over script + engine's floor", ours, limit(AGAIN), 2),
        goal(f"{prepared}: Ansible with facts over this program", wall(FACTS, FIRST), first, 5, least=True),
        goal(f"{prepared}: this program over pyinfra", first, wall(PYINFRA, FIRST), 1),
        goal(f"{prepared}: this program over script + engine's floor", first, limit(FIRST), 1.3),
    ]


def _to_cluster(results: Results) -> Goal:
    ours, script = (results.median(CLUSTER, name, TO_CLUSTER, SIZE) for name in (US, SCRIPT))
    text = "boards to verified cluster: this program over the script"
    return Goal(text=text, found=ratio(ours, script), limit=1.2)


def _growth(results: Results) -> list[Goal]:
    def of(scenario: str, size: int, value: Callable[[Sample], float]) -> float | None:
        return results.median(SIMULATED, US, scenario, size, value)

    def one_changed(key: str) -> float | None:
        many, few = (of(ONE_CHANGED, size, lambda one: one.per_host[key]) for size in (MANY, FEW))
        return ratio(many, few)

    what = f"one changed machine of {MANY} over one of {FEW}"
    refreshes = [of(REFRESH, size, lambda one: one.cost.wall) for size in (MANY, RACK)]
    memory = [of(scenario, MANY, lambda one: one.cost.provider) for scenario in (FIRST, AGAIN)]
    known = [one for one in memory if one is not None]
    return [
        Goal(text=f"{what}: provider time", found=one_changed("last span"), limit=1.3),
        Goal(text=f"{what}: round trips", found=one_changed("last commands"), limit=1.3),
        Goal(text=f"{what}: bytes", found=one_changed("last bytes"), limit=1.3),
        Goal(text=f"refresh of {MANY} machines over {RACK}", found=ratio(*refreshes), limit=10),
        Goal(
            text=f"{AT_END}, {MANY} machines over {SMALL}, each less the engine's floor, per machine",
            found=ratio(own_share(results, MANY), own_share(results, SMALL)),
            limit=1.1,
        ),
        Goal(
            text=f"memory of the provider's process at {MANY} machines",
            found=max(known) if known else None,
            limit=300,
            unit="MiB",
        ),
    ]


def own_share(results: Results, size: int) -> float | None:
    """Seconds for each machine of a first run that are neither checkpoints nor the rest of the engine."""
    ours, floor = (results.median(SIMULATED, name, AT_END, size) for name in (US, FLOOR))
    return (ours - floor) / size if ours is not None and floor is not None else None
