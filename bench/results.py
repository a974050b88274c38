"""What was measured, as data; medians, spread and ratios of it."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.engine import search_path
from bench.meter import Cost
from bench.places import TRIAL, VENV

BOARDS, SIMULATED = "boards", "simulated"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One run of one contender: on what kind of machines, how many, in which scenario and round."""

    kind: str
    contender: str
    scenario: str
    size: int
    round: int
    cost: Cost
    per_host: dict[str, float] = field(default_factory=dict)
    """What else was counted, by name: connections, turns and bytes of one machine on average; moments in seconds."""
    problems: list[str] = field(default_factory=list)
    """What makes it no result: a status, a machine that is not as wanted, a command that was not learned."""


def wall(sample: Sample) -> float:
    """Its seconds by the clock."""
    return sample.cost.wall


def median(samples: Sequence[Sample], value: Callable[[Sample], float] = wall) -> float | None:
    """Of something of each; None without samples."""
    return statistics.median(map(value, samples)) if samples else None


@dataclass
class Results:
    """All samples, and what they were measured with and on."""

    samples: list[Sample] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    loads: dict[str, float] = field(default_factory=dict)
    """The machine's load average of one minute, by when it was looked at."""
    notes: dict[str, str] = field(default_factory=dict)
    """What a reader has to know, by what it is about; the last run's word counts."""
    path: Path = field(default=TRIAL.results, compare=False)
    """Where it was loaded from, and is kept."""

    def keep(self) -> None:
        """Save it: what was measured survives an interruption."""
        self.save(self.path)

    def add(self, sample: Sample) -> None:
        """Keep one."""
        self.samples.append(sample)

    def drop(self, kinds: Iterable[str], sizes: Iterable[int], names: Iterable[str] = ()) -> None:
        """Forget the samples that are about to be measured anew: of these contenders, or of all."""
        old, who = {(kind, size) for kind in kinds for size in sizes}, set(names)
        self.samples = [
            one
            for one in self.samples
            if (one.kind, one.size) not in old or (who and one.contender not in who)
        ]

    def of(self, kind: str, contender: str, scenario: str, size: int) -> list[Sample]:
        """The good samples of one kind of run."""
        return [
            one
            for one in self.samples
            if (one.kind, one.contender, one.scenario, one.size) == (kind, contender, scenario, size)
            and not one.problems
        ]

    def median(
        self,
        kind: str,
        contender: str,
        scenario: str,
        size: int,
        value: Callable[[Sample], float] = wall,
    ) -> float | None:
        """The median of something; None where nothing good was measured."""
        return median(self.of(kind, contender, scenario, size), value)

    def save(self, path: Path) -> None:
        """As JSON with a line for each sample, in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        about = asdict(self)
        del about["path"]
        lines = ",\n".join(json.dumps(_told(one)) for one in about.pop("samples"))
        partial.write_text(f'{json.dumps(about)[:-1]},\n"samples": [\n{lines}\n]}}\n')
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Results:
        """What `save` wrote; empty where it never did."""
        if not path.exists():
            return cls(path=path)
        given = json.loads(path.read_text())
        given["samples"] = [Sample(**{**one, "cost": Cost(**one["cost"])}) for one in given["samples"]]
        return cls(**given, path=path)

    def note_load(self, when: str) -> None:
        """Keep the machine's load average of the last minute."""
        self.loads[when] = os.getloadavg()[0]

    def forget_loads(self, what: str) -> None:
        """Those of what is measured anew, whose names begin like this."""
        self.loads = {when: load for when, load in self.loads.items() if not when.startswith(what)}


def _told(sample: dict[str, Any]) -> dict[str, Any]:
    return {key: one for key, one in sample.items() if one not in ("", {}, [])}


def spread(values: Iterable[float]) -> str:
    """Smallest and largest, for a table."""
    sorted_ = sorted(values)
    return f"{number(sorted_[0])}-{number(sorted_[-1])}" if len(sorted_) > 1 else ""


def ratio(one: float | None, other: float | None) -> float | None:
    """One over the other; None where either is missing."""
    return one / other if one is not None and other else None


def number(value: float | None) -> str:
    """A figure with as many digits as mean something."""
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def versions() -> dict[str, str]:
    """Versions of all who take part."""
    script = (
        "from importlib.metadata import version; "
        "print(*[name + '=' + version(name) for name in ('ansible-core', 'mitogen', 'pyinfra')])"
    )
    done = subprocess.run([VENV / "bin" / "python", "-c", script], capture_output=True, text=True, check=True)
    found = dict(word.split("=", 1) for word in done.stdout.split())
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False).stderr.strip()
    argv = ["env", f"PATH={search_path()}", "pulumi", "version"]
    engine = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    own = {f"{name} (Python)": metadata.version(name) for name in ("pulumi", "asyncssh", "grpcio")}
    return {
        **found,
        "Pulumi's engine": engine,
        **own,
        "python": platform.python_version(),
        "ssh": ssh.split(",")[0],
    }


def about_machine() -> dict[str, Any]:
    """The machine that it was measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processors": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "kernel": platform.release(),
        "architecture": platform.machine(),
    }
