"""How cost grows with the rack: this program, the script and the engine's floor on simulated machines.

What simulated machines answer is learned first, from real ones: each scenario is run once on a rack
of as many simulated machines as there are real ones behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.contenders.contender import AGAIN, DRY, FIRST, Command, Contender
from bench.contenders.helicon import Floor, Helicon
from bench.contenders.script import Script
from bench.engine import NO_CHECKPOINTS
from bench.meter import measured
from bench.places import file_word
from bench.playback import Record
from bench.preparation import CHANGED, stack
from bench.results import SIMULATED, Results, Sample
from bench.simulated import Count, Machine, Model, Simulated, plan
from bench.target import Fleet

REFRESH, ONE_CHANGED, ONE_BACK = "refresh", "one changed, no refresh", "one changed back, no refresh"
AT_END = "first run, state at its end"
"""Without a checkpoint at each step: what else a first run takes, and what large racks do (docs/large-racks.md)."""
CHECKPOINTED = 200
"""Machines up to which first runs are measured with checkpoints, too: 500 would take half an hour for each."""
ONE_ADDED, ADDED_ALONE = "one added", "one added, no refresh"
STATE = "state"
"""The scenario under whose name the size of a checkpoint is kept."""
LEARNED = (FIRST, AGAIN, DRY, REFRESH, ONE_CHANGED, ONE_BACK)
ADDED = (ONE_ADDED, ADDED_ALONE)
"""Learned already: the new machine does its first run, the others have nothing to change."""
GROWN = (AT_END, *LEARNED, *ADDED)
FROM_NOTHING = (AT_END, FIRST)
PORT = 2222
Say = Callable[[str], None]


class Grown(Helicon):
    """This program with the scenarios of a rack that grows: one machine of it changes.

    Neither the refresh nor the preflight, which ask every machine, is part of that change. A machine is
    added both ways: as a user does, and without what asks the others.
    """

    larger: Fleet
    """The rack with the machine that is added to it."""

    def command(self, scenario: str) -> Command:
        """The verb; for a change, with a stack file in which the last machine differs or is new."""
        if scenario in ADDED:
            self.engine.configure(stack(self.larger))
            return self._up_alone() if scenario == ADDED_ALONE else self.engine.command("up")
        if scenario in (ONE_CHANGED, ONE_BACK):
            self.engine.configure(
                changed(stack(self.fleet)) if scenario == ONE_CHANGED else stack(self.fleet)
            )
            return self._up_alone()
        return self.engine.command("refresh") if scenario == REFRESH else super().command(scenario)

    def _up_alone(self) -> Command:
        up = self.engine.command("up", "--refresh=false")
        return replace(up, env={**up.env, "HELICON_PREFLIGHT": "0"})


def changed(given: dict[str, Any]) -> dict[str, Any]:
    """The stack file with another text in one file of its last machine."""
    nodes: dict[str, Any] = given["config"]["helicon:nodes"]
    last = list(nodes)[-1]
    nodes[last]["files"] = {CHANGED: {"content": "alias k=kubectl\n", "mode": "0644"}}
    return given


def learn(
    models: Sequence[Model], identity: Path, place: Path, reset: Callable[[], None], say: Say
) -> Record:
    """Each scenario once on real machines, by this program and by the script; at least two are wanted."""
    record = Record()
    targets = plan(len(models), PORT)
    simulated = Simulated(record, targets)
    try:
        fleet = _fleet(simulated, identity, place / "learning")
        for machine, model in zip(simulated.machines, models, strict=True):
            machine.model = model
        scenarios = ((Grown, LEARNED), (Script, (FIRST, AGAIN, DRY)))
        for kind, names in scenarios:
            reset()
            one = kind(fleet, place / "learning" / kind.name)
            one.prepare()
            for scenario in names:
                say(f"learning: {kind.name}, {scenario}")
                _once(one, scenario, simulated)
    finally:
        simulated.close()
    return record


def _once(one: Contender, scenario: str, simulated: Simulated) -> None:
    simulated.begin(f"{one.name}/{scenario}")
    log = one.place / f"{file_word(scenario)}.log"
    cost = measured(one.command(scenario), log)
    if cost.status:
        raise SystemExit(f"learning: {one.name}, {scenario} ended with {cost.status}: see {log}")


@dataclass(kw_only=True)
class OnSimulated:
    """What is measured on simulated machines needs: what they answer and how slowly, and where results go."""

    record: Record
    identity: Path
    place: Path
    results: Results
    latency: float
    login_seconds: float
    say: Say


class Growth(OnSimulated):
    """Racks of several sizes, simulated from a record."""

    def run(self, size: int, rounds: int) -> None:
        """One size: everything once from nothing, then the rest again and again."""
        simulated = Simulated(
            self.record, plan(size + 1, PORT), latency=self.latency, login_seconds=self.login_seconds
        )
        try:
            larger = _fleet(simulated, self.identity, self.place / str(size))
            fleet = replace(larger, targets=larger.targets[:size])
            makers = ((Grown, GROWN), (Script, (FIRST, AGAIN, DRY)), (Floor, (AT_END, FIRST, AGAIN, DRY)))
            for kind, scenarios in makers:
                one = kind(fleet, self.place / str(size) / file_word(kind.name))
                for number, scenario in run_order(scenarios, rounds, size):
                    if scenario in FROM_NOTHING:
                        one.prepare()
                    if scenario in ADDED and isinstance(one, Grown):
                        self._add(one, larger, scenario, number, simulated)
                    else:
                        simulated.begin(f"{one.name}/{FIRST if scenario == AT_END else scenario}")
                        self._measure(one, scenario, number, simulated)
                if isinstance(one, Grown):
                    self._state(one, size)
        finally:
            simulated.close()

    def _add(self, one: Grown, larger: Fleet, scenario: str, number: int, simulated: Simulated) -> None:
        """A machine more; then the stack is as it was."""
        one.larger = larger
        simulated.begin(f"{one.name}/{AGAIN}")
        simulated.machines[-1].history = f"{one.name}/{FIRST}"
        before = one.engine.state_file.read_bytes()
        self._measure(one, scenario, number, simulated)
        one.engine.state_file.write_bytes(before)
        one.engine.configure(stack(one.fleet))

    def _measure(self, one: Contender, scenario: str, number: int, simulated: Simulated) -> None:
        size = len(one.fleet.targets)
        machines = simulated.machines if scenario in ADDED else simulated.machines[:size]
        log = one.place / f"{file_word(scenario)}-{number}.log"
        self.results.note_load(f"{size} simulated, {one.name}, {scenario}")
        command = one.command(scenario)
        if scenario == AT_END:
            command = replace(command, env={**command.env, **NO_CHECKPOINTS})
        cost = measured(command, log)
        sample = Sample(
            kind=SIMULATED,
            contender=one.name,
            scenario=scenario,
            size=size,
            round=number,
            cost=cost,
            per_host=counted(machines),
            problems=cost.problems + simulated.unlearned[:3],
        )
        self.results.add(sample)
        self.say(
            f"simulated {size:4} {scenario:28} {one.name:16} {cost.wall:7.2f} s {' '.join(sample.problems)}"
        )

    def _state(self, one: Grown, size: int) -> None:
        """The checkpoint's size, as a sample that has no cost."""
        last = next(sample for sample in reversed(self.results.samples) if sample.contender == one.name)
        bytes_ = float(one.engine.state_file.stat().st_size)
        sample = Sample(
            kind=SIMULATED,
            contender=one.name,
            scenario=STATE,
            size=size,
            round=0,
            cost=last.cost,
            per_host={"checkpoint": bytes_},
        )
        self.results.add(sample)


def run_order(scenarios: Sequence[str], rounds: int, size: int) -> list[tuple[int, str]]:
    """What is run from nothing only once; with checkpoints only where they do not take for ever."""
    left_out = FIRST if AT_END in scenarios and size > CHECKPOINTED else ""
    return [
        (number, one)
        for number in range(rounds)
        for one in scenarios
        if one != left_out and (number == 0 or one not in FROM_NOTHING)
    ]


def counted(machines: Sequence[Machine]) -> dict[str, float]:
    """Of one machine on average what SSH carried, and of the last one, which is the one that changes."""
    counts = [one.count for one in machines]
    last = counts[-1]
    return {
        **{name: _mean(counts, name) for name in ("connections", "commands", "sent", "received")},
        "last commands": last.commands,
        "last bytes": last.sent + last.received,
        "last span": last.span,
        "asked machines": sum(one.commands > 0 for one in counts),
    }


def _mean(counts: Sequence[Count], name: str) -> float:
    return float(sum(getattr(one, name) for one in counts)) / len(counts)


def _fleet(simulated: Simulated, identity: Path, place: Path) -> Fleet:
    return Fleet.of([one.reached for one in simulated.machines], identity, place)


def sizes(text: str) -> list[int]:
    """Sizes from the command line."""
    return [int(word) for word in text.replace(",", " ").split()]


def state_bytes(results: Results) -> Mapping[int, float]:
    """Checkpoint sizes by number of machines."""
    return {one.size: one.per_host["checkpoint"] for one in results.samples if one.scenario == STATE}
