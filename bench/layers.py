"""The parts of a run's time, from runs that lack them (bench/profile.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.contenders.contender import FIRST, SCENARIOS
from bench.profile import (
    ALONE,
    AT_ONCE,
    BARE,
    EMPTY,
    IDLE,
    PROFILE,
    STILL,
    UNSEEN,
    WHOLE,
    Case,
)
from bench.results import Results, number

LAYERS = (
    "command line, language host, start of the program",
    "start of the provider's process, imports",
    "engine and gRPC, for as many resources that do nothing",
    "SSH: connections",
    "SSH: round trips",
    "this program: configuration, comparisons, its own messages",
    "machines: their own work",
    "machines: the network's latency",
    "machines: letting us in",
    "preflight",
    "checkpoint writes",
)
"""From the inside out; together they are the whole."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """The seconds of each part of one run, and of the refresh, which goes through most of them."""

    scenario: str
    size: int
    whole: float
    layers: dict[str, float]
    refresh: float | None
    their_processor: float
    """Processor seconds of the simulated machines' side of SSH, which real machines would have themselves."""

    @property
    def largest(self) -> str:
        """The part that takes longest."""
        return max(self.layers, key=self.layers.__getitem__)


def splits(results: Results) -> list[Split]:
    """All that were measured."""
    measured = sorted({one.size for one in results.samples if one.kind == PROFILE})
    found = [split(results, scenario, size) for scenario in SCENARIOS for size in measured]
    return [one for one in found if one is not None]


def split(results: Results, scenario: str, size: int) -> Split | None:
    """One run's parts; None where one of the runs is missing."""

    def wall(case: Case) -> float | None:
        return results.median(PROFILE, case.name, scenario, size)

    def counted(case: Case, what: str) -> float:
        return results.median(PROFILE, case.name, scenario, size, lambda one: one.per_host[what]) or 0.0

    def alone(what: str) -> float | None:
        return results.median(PROFILE, ALONE, FIRST, size, lambda one: one.per_host[what])

    walls = [wall(case) for case in (EMPTY, IDLE, AT_ONCE, UNSEEN, BARE, WHOLE)]
    single = [alone(what) for what in ("start", "connect", "turn")]
    known, lone = [one for one in walls if one is not None], [one for one in single if one is not None]
    if len(known) < len(walls) or len(lone) < len(single):
        return None
    empty, idle, at_once, unseen, bare, whole = known
    start, connect, turn = lone
    ssh = [connect * counted(AT_ONCE, "connections"), turn * counted(AT_ONCE, "commands")]
    waited = shares(unseen - at_once, [counted(UNSEEN, what) for what in ("work", "network", "logins")])
    seconds = [
        empty,
        start,
        idle - empty - start,
        *ssh,
        at_once - idle - sum(ssh),
        *waited,
        bare - unseen,
        whole - bare,
    ]
    still = wall(STILL)
    return Split(
        scenario=scenario,
        size=size,
        whole=whole,
        layers=dict(zip(LAYERS, seconds, strict=True)),
        refresh=None if still is None else bare - still,
        their_processor=counted(BARE, "their processor"),
    )


def shares(seconds: float, weights: Sequence[float]) -> list[float]:
    """Seconds in proportion to weights; all with the first where there are none."""
    total = sum(weights)
    return [seconds * one / total for one in weights] if total else [seconds, *(0.0 for _ in weights[1:])]


def told(results: Results) -> str:
    """Where the time goes, in sentences."""
    lines = [
        f"- {one.scenario}, {one.size} machines: {number(one.whole)} s, of which {number(one.layers[one.largest])} s "
        f"({one.layers[one.largest] / one.whole:.0%}) for {one.largest}{_refresh(one)}.\n"
        for one in splits(results)
    ]
    return "".join(lines)


def _refresh(one: Split) -> str:
    return "" if one.refresh is None else f"; {number(one.refresh)} s go when nothing is refreshed"


def rows(results: Results) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table: the parts down, runs across."""
    found = splits(results)
    head = ["seconds", *(f"{one.scenario}, {one.size}" for one in found)]
    parts = [[name, *(number(one.layers[name]) for one in found)] for name in LAYERS]
    whole = ["**the whole**", *(number(one.whole) for one in found)]
    refresh = ["of these, for the refresh", *(number(one.refresh) for one in found)]
    theirs = [
        "processor seconds of the machines' side of SSH",
        *(number(one.their_processor) for one in found),
    ]
    return head, [*parts, whole, refresh, theirs]
