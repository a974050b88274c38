"""Where the time goes: the same run again and again, each time without one more of its parts.

What a part costs is the difference (bench/layers.py). Nothing in the program is instrumented: the
engine is told to write no checkpoints, the program to leave out preflight or refresh, and simulated
machines to answer at once. What SSH itself costs is measured alone (bench/alone.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.contenders.contender import AGAIN, DRY, FIRST, SCENARIOS, Command, Contender
from bench.contenders.helicon import Helicon, resource_bytes
from bench.engine import NO_CHECKPOINTS, Engine
from bench.growth import PORT, OnSimulated
from bench.meter import Cost, measured
from bench.places import REPOSITORY, file_word
from bench.playback import Record, Reply
from bench.preparation import stack
from bench.results import SIMULATED, Results, Sample
from bench.simulated import Machine, Simulated, plan
from bench.target import Fleet

PROFILE = "profile"
"""The kind of these samples."""
NO_PREFLIGHT = {"HELICON_PREFLIGHT": "0"}
FEW_ROUNDS = 2
MANY = 100
"""From so many machines on one round is all: the differences are large there."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A run without some of its parts."""

    name: str
    project: str = "program"
    env: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    at_once: bool = False
    """Whether machines, network and logins take no time."""
    scenarios: Sequence[str] = SCENARIOS
    stack: str = ""
    """Whose stack it uses, where it has none of its own."""


WHOLE = Case(name="whole")
BARE = Case(name="without checkpoints", env=NO_CHECKPOINTS)
STILL = Case(
    name="without refresh",
    env=NO_CHECKPOINTS,
    options=["--refresh=false"],
    scenarios=[AGAIN, DRY],
    stack=BARE.name,
)
UNSEEN = Case(name="without preflight", env={**NO_CHECKPOINTS, **NO_PREFLIGHT})
AT_ONCE = Case(name="machines that take no time", env={**NO_CHECKPOINTS, **NO_PREFLIGHT}, at_once=True)
IDLE = Case(name="resources that do nothing", project="floor", env=NO_CHECKPOINTS)
EMPTY = Case(name="no resources", project="floor", env={**NO_CHECKPOINTS, "BENCH_MACHINES": "0"})
CASES = (WHOLE, BARE, STILL, UNSEEN, AT_ONCE, IDLE, EMPTY)
ALONE = "alone"
"""What was measured alone, as a sample of its own."""


class Part(Contender):
    """One case; simulated machines know it by the name of the program itself."""

    name = Helicon.name

    def __init__(self, case: Case, fleet: Fleet, place: Path) -> None:
        super().__init__(fleet, place / file_word(case.stack or case.name))
        self.case = case
        size = len(fleet.targets)
        given = {"BENCH_MACHINES": str(size), "BENCH_BYTES": str(resource_bytes(fleet)), **case.env}
        self.engine = Engine(case.project, self.place, size, given)

    def prepare(self) -> None:
        """An empty stack."""
        if not self.case.stack:
            self.engine.begin(stack(self.fleet) if self.case.project == "program" else {"config": {}})

    def command(self, scenario: str) -> Command:
        """The verb, with the options of the case."""
        return self.engine.command("preview" if scenario == DRY else "up", *self.case.options)


@dataclass(kw_only=True)
class Profile(OnSimulated):
    """All cases at several sizes."""

    grown: Sequence[int] = ()
    """Sizes at which the whole was measured just now, as part of the growth."""

    def run(self, size: int, rounds: int) -> None:
        """One size; everything that belongs together is measured close together."""
        simulated = Simulated(self.record, plan(size, PORT))
        try:
            fleet = Fleet.of([one.reached for one in simulated.machines], self.identity, self.place)
            for number in range(min(rounds, FEW_ROUNDS) if size < MANY else 1):
                self.results.note_load(f"profile, {size} machines, round {number + 1}")
                for case in CASES[size in self.grown :]:
                    self._case(Part(case, fleet, self.place / str(size)), number, simulated)
            self._alone(fleet)
            if size in self.grown:
                take_over(self.results, Helicon.name, size, PROFILE, WHOLE.name)
        finally:
            simulated.close()

    def _case(self, one: Part, number: int, simulated: Simulated) -> None:
        simulated.pace = 0.0 if one.case.at_once else 1.0
        simulated.latency = 0.0 if one.case.at_once else self.latency
        simulated.login_seconds = 0.0 if one.case.at_once else self.login_seconds
        one.prepare()
        for scenario in one.case.scenarios:
            simulated.begin(f"{one.name}/{scenario}")
            used = simulated.processor_seconds
            log = one.place / file_word(f"{one.case.name} {scenario} {number}.log")
            cost = measured(one.command(scenario), log)
            counted = {
                **let_go(simulated.machines),
                "their processor": simulated.processor_seconds - used,
            }
            self._keep(
                one.case.name, scenario, number, cost, counted, cost.problems + simulated.unlearned[:3]
            )

    def _keep(
        self,
        name: str,
        scenario: str,
        number: int,
        cost: Cost,
        counted: dict[str, float],
        problems: list[str],
    ) -> None:
        size = int(counted.pop("size"))
        sample = Sample(
            kind=PROFILE,
            contender=name,
            scenario=scenario,
            size=size,
            round=number,
            cost=cost,
            per_host=counted,
            problems=problems,
        )
        self.results.add(sample)
        self.say(f"profile {size:4} {scenario:18} {name:28} {cost.wall:7.2f} s {' '.join(problems)}")

    def _alone(self, fleet: Fleet) -> None:
        """Start of the provider's Python, and SSH with machines that say nothing, at once."""
        silent = Simulated(Record(), plan(len(fleet.targets), PORT + 1))
        try:
            for machine in silent.machines:
                machine.model = _nothing
            alike = Fleet.of([one.reached for one in silent.machines], self.identity, self.place / ALONE)
            found = alone(alike, self.place / ALONE / "fleet.json")
        finally:
            silent.close()
        cost = Cost(wall=sum(found.values()), cpu=0.0, memory=0.0)
        self._keep(ALONE, FIRST, 0, cost, {**found, "size": len(fleet.targets)}, [])


def take_over(results: Results, contender: str, size: int, kind: str, name: str, **counted: float) -> None:
    """What the growth has measured, as samples of another kind: the same runs, which take minutes."""
    results.samples += [
        replace(one, kind=kind, contender=name, per_host=counted)
        for one in results.samples
        if (one.kind, one.contender, one.size) == (SIMULATED, contender, size) and one.scenario in SCENARIOS
    ]


def let_go(machines: Sequence[Machine]) -> dict[str, float]:
    """Of one machine on average: connections, commands, and the seconds that it let go by, by reason."""
    names = ("connections", "commands", "logins", "network", "work")
    sums = {name: float(sum(getattr(one.count, name) for one in machines)) for name in names}
    return {"size": len(machines), **{name: one / len(machines) for name, one in sums.items()}}


def alone(fleet: Fleet, path: Path) -> dict[str, float]:
    """What `bench/alone.py` measures in a process of its own, in seconds."""
    machines = [
        {"name": one.name, "address": one.address, "port": one.port, "host_key": one.host_key}
        for one in fleet.targets
    ]
    path.write_text(json.dumps({"identity": str(fleet.identity), "machines": machines}))
    argv = [sys.executable, "-m", "bench.alone", str(path)]
    done = subprocess.run(argv, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    return {str(key): float(one) for key, one in json.loads(done.stdout).items()}


async def _nothing(_line: str, _stdin: bytes) -> Reply:
    return Reply(stdout=b"", stderr=b"", status=0, seconds=0.0)
