"""Contenders side by side on boards, round by round: reset, first run, verified, second run, dry run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from bench.contenders.ansible import Ansible, AnsibleFacts, AnsibleMitogen
from bench.contenders.contender import FIRST, SCENARIOS, Contender
from bench.contenders.helicon import Floor, Helicon, WithoutPreflight
from bench.contenders.pyinfra import Pyinfra
from bench.contenders.script import Script
from bench.meter import measured
from bench.places import file_word
from bench.results import BOARDS, Results, Sample
from bench.target import Fleet
from bench.wire import Proxy, Traffic

CONTENDERS: dict[str, type[Contender]] = {
    one.name: one
    for one in (Helicon, WithoutPreflight, Floor, Script, Pyinfra, Ansible, AnsibleFacts, AnsibleMitogen)
}
"""By name."""
T = TypeVar("T")
WIRE = "wire"
"""The kind of samples that went through the counting proxies: their times do not count."""


class Ground(Protocol):
    """What is measured on: machines that can be made fresh again, and looked at."""

    def reset(self, count: int) -> None:
        """Make the first machines fresh."""
        ...

    def warm(self) -> None:
        """Have what contenders and machines are made of in this computer's memory, whoever ran before."""
        ...

    def amiss(self, fleet: Fleet) -> list[str]:
        """What is not as wanted."""
        ...


@dataclass(kw_only=True)
class Series:
    """Rounds on one fleet."""

    ground: Ground
    fleet: Fleet
    names: Sequence[str]
    place: Path
    results: Results
    say: Callable[[str], None]

    def run(self, rounds: int) -> None:
        """All rounds; who begins changes from one to the next."""
        contenders = self._contenders(self.fleet, self.place)
        what = f"{len(self.fleet.targets)} machines, round"
        self.results.forget_loads(what)
        for number in range(rounds):
            self.results.note_load(f"{what} {number + 1}, before")
            for one in turned(contenders, number):
                self._scenarios(one, BOARDS, number)
            self.results.note_load(f"{what} {number + 1}, after")
        self.results.keep()

    def count(self) -> None:
        """One more round through proxies that count."""
        proxy = Proxy(self.fleet.targets)
        try:
            fleet = Fleet.of(proxy.targets, self.fleet.identity, self.place / WIRE)
            for one in self._contenders(fleet, self.place / WIRE):
                if not isinstance(one, Floor):
                    self._scenarios(one, WIRE, 0, proxy)
        finally:
            proxy.close()

    def _contenders(self, fleet: Fleet, place: Path) -> list[Contender]:
        made = [CONTENDERS[name](fleet, place / file_word(name)) for name in self.names]
        for one in made:
            one.prepare()
        return made

    def _scenarios(self, one: Contender, kind: str, number: int, proxy: Proxy | None = None) -> None:
        size = len(self.fleet.targets)
        if not number:
            self.results.drop([kind], [size], [one.name])
        one.forget()
        if not isinstance(one, Floor):
            self.ground.reset(size)
        self.ground.warm()
        for scenario in SCENARIOS:
            if proxy:
                proxy.clear()
            cost = measured(one.command(scenario), one.place / f"{file_word(scenario)}-{number}.log")
            problems = cost.problems
            if scenario == FIRST and not isinstance(one, Floor):
                problems += self.ground.amiss(self.fleet)[:5]
            sample = Sample(
                kind=kind,
                contender=one.name,
                scenario=scenario,
                size=size,
                round=number,
                cost=cost,
                per_host=average(list(proxy.traffic.values())) if proxy else {},
                problems=problems,
            )
            self.results.add(sample)
            self.say(f"{kind} {size:4} {scenario:18} {one.name:22} {cost.wall:7.2f} s {' '.join(problems)}")
            if problems and scenario == FIRST:
                break
        self.results.keep()


def turned(contenders: Sequence[T], by: int) -> list[T]:
    """Another order each time, so that nobody is always first, or always after the same one (a Williams square)."""
    zigzag = [(place + 1) // 2 * (1 if place % 2 else -1) for place in range(len(contenders))]
    order = [contenders[(by // 2 + step) % len(contenders)] for step in zigzag]
    return order[::-1] if by % 2 else order


def average(traffic: Sequence[Traffic]) -> dict[str, float]:
    """What one machine had on average."""
    names = ("connections", "turns", "sent", "received")
    return {name: sum(getattr(one, name) for one in traffic) / len(traffic) for name in names}
