"""What keeping the state costs, and the ways out: the engine with resources that do nothing, no machine asked.

The engine writes the whole state after each step. So a first run writes as many times as there are
steps, and each time all that is there by then.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import postgres
from bench.contenders.contender import AGAIN, FIRST, Command
from bench.contenders.helicon import RESOURCES, Floor
from bench.engine import NO_CHECKPOINTS, Engine
from bench.growth import Say
from bench.meter import measured
from bench.places import file_word
from bench.profile import take_over
from bench.results import Results, Sample, number, ratio

BACKENDS = "backends"
"""The kind of these samples."""
SCENARIOS = (FIRST, AGAIN)


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to keep the state of the same machines."""

    name: str
    env: Mapping[str, str] = field(default_factory=dict)
    stacks: int = 1
    side_by_side: bool = False
    resources: int = RESOURCES
    """Of one machine; together they are of the same size."""
    database: bool = False


LOCAL, AT_END = "local file", "local file, written at the end only"
DATABASE = "PostgreSQL"
WAYS = (
    Way(name=AT_END, env=NO_CHECKPOINTS),
    Way(name=LOCAL),
    Way(name=DATABASE, database=True),
    Way(name="2 stacks, one after the other", stacks=2),
    Way(name="4 stacks, one after the other", stacks=4),
    Way(name="4 stacks, side by side", stacks=4, side_by_side=True),
    Way(name="1 resource for a machine in place of 4", resources=1),
)


@dataclass(kw_only=True)
class Backends:
    """All ways at several sizes."""

    place: Path
    results: Results
    resource_bytes: int
    say: Say
    grown: Sequence[int] = ()
    """Sizes at which the local file was measured just now, as the engine's floor of the growth."""

    def run(self, size: int) -> None:
        """One size, each way once: the differences are large."""
        with postgres.running() as database:
            for way in WAYS:
                if way.name == LOCAL and size in self.grown:
                    take_over(self.results, Floor.name, size, BACKENDS, LOCAL, checkpoint=self._kept(size))
                elif not way.database:
                    self._way(way, size, {})
                elif database:
                    self._way(way, size, {"PULUMI_BACKEND_URL": f"{database}&table=state_{size}"})
            if database is None:
                self.results.notes["State in PostgreSQL"] = "left out, not installed (Debian: postgresql)."

    def _way(self, way: Way, size: int, env: Mapping[str, str]) -> None:
        self.results.note_load(f"state, {size} machines, {way.name}")
        place = self.place / str(size) / file_word(way.name)
        given = {
            "BENCH_MACHINES": str(size // way.stacks),
            "BENCH_RESOURCES": str(way.resources),
            "BENCH_BYTES": str(self.resource_bytes * RESOURCES // way.resources),
            **way.env,
            **env,
        }
        stacks = [Engine("floor", place / str(one), size // way.stacks, given) for one in range(way.stacks)]
        for one in stacks:
            one.place.mkdir(parents=True, exist_ok=True)
            one.begin({"config": {}})
        for scenario in SCENARIOS:
            command = together([one.command("up") for one in stacks], side_by_side=way.side_by_side)
            cost = measured(command, place / f"{file_word(scenario)}.log")
            files = 0 if way.database else sum(one.state_file.stat().st_size for one in stacks)
            sample = Sample(
                kind=BACKENDS,
                contender=way.name,
                scenario=scenario,
                size=size,
                round=0,
                cost=cost,
                per_host={"checkpoint": files or self._kept(size)},
                problems=cost.problems,
            )
            self.results.add(sample)
            self.say(f"state {size:4} {scenario:18} {way.name:40} {cost.wall:7.2f} s")

    def _kept(self, size: int) -> float:
        """The size of the same state in one file."""
        found = self.results.median(BACKENDS, AT_END, AGAIN, size, lambda one: one.per_host["checkpoint"])
        return found or 0.0


def together(commands: Sequence[Command], *, side_by_side: bool) -> Command:
    """Commands of the same place as one: one after the other, or at once; it fails where one of them does."""
    first = commands[0]
    lines = [
        shlex.join(["env", f"PULUMI_BACKEND_URL={one.env['PULUMI_BACKEND_URL']}", *one.argv])
        for one in commands
    ]
    if side_by_side:
        waits = " && ".join(f'wait "$p{number}"' for number in range(len(lines)))
        line = "".join(f"{one} & p{number}=$!\n" for number, one in enumerate(lines)) + waits
    else:
        line = " && ".join(lines)
    return Command(argv=["sh", "-c", line], env=first.env, cwd=first.cwd)


def rows(results: Results) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table."""
    head = ["machines", "state kept in", "checkpoint KiB"]
    for scenario in SCENARIOS:
        head += [f"{scenario}, s", "over local file", "processor s"]
    known = sorted({one.size for one in results.samples if one.kind == BACKENDS})
    return head, [row for size in known for way in WAYS if (row := _row(results, way, size))]


def told(results: Results) -> str:
    """How the cost of writing grows, in a sentence; empty where it was not measured."""
    known = sorted({one.size for one in results.samples if one.kind == BACKENDS})
    costs = [(size, _writing(results, size)) for size in known]
    found = [(size, one) for size, one in costs if one is not None]
    if len(found) < 2:
        return ""
    (small, few), (large, many) = found[0], found[-1]
    return (
        f"Writing the checkpoint at each step takes {number(few)} s of a first run of {small} machines and "
        f"{number(many)} s of one of {large}: {number(ratio(many, few))} times as long for "
        f"{number(large / small)} times the machines. {_ways_out(results, large)}"
    )


def _ways_out(results: Results, size: int) -> str:
    """Each way's first run over the local file's."""
    local = results.median(BACKENDS, LOCAL, FIRST, size)
    others = [way.name for way in WAYS if way.name != LOCAL]
    ratios = [(name, ratio(results.median(BACKENDS, name, FIRST, size), local)) for name in others]
    listed = "; ".join(f"{name}: {number(one)}" for name, one in ratios if one is not None)
    return f"The first run of {size}, in times the local file's: {listed}.\n\n"


def _writing(results: Results, size: int) -> float | None:
    each, end = (results.median(BACKENDS, name, FIRST, size) for name in (LOCAL, AT_END))
    return each - end if each is not None and end is not None else None


def _row(results: Results, way: Way, size: int) -> list[str] | None:
    if results.median(BACKENDS, way.name, FIRST, size) is None:
        return None
    kept = results.median(BACKENDS, way.name, FIRST, size, lambda one: one.per_host["checkpoint"] / 1024)
    row = [str(size), way.name, number(kept) if kept else "-"]
    for scenario in SCENARIOS:
        wall = results.median(BACKENDS, way.name, scenario, size)
        local = results.median(BACKENDS, LOCAL, scenario, size)
        cpu = results.median(BACKENDS, way.name, scenario, size, lambda one: one.cost.cpu)
        row += [number(wall), number(ratio(wall, local)), number(cpu)]
    return row
