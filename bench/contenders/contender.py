"""What a contender is: files that it wants beforehand, and one command for each scenario."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from bench.places import VENV
from bench.target import Fleet

FIRST, AGAIN, DRY = "first run", "nothing to change", "dry run"
SCENARIOS = (FIRST, AGAIN, DRY)
"""In the order in which a contender does them after the machines were reset."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command line to measure: environment over that of the harness, and a directory."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")


class Contender(ABC):
    """Someone who can prepare a fleet."""

    name: ClassVar[str]

    def __init__(self, fleet: Fleet, place: Path) -> None:
        self.fleet = fleet
        self.place = place
        place.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def prepare(self) -> None:
        """Write the files that it reads; not measured, as a user has them already."""

    @abstractmethod
    def command(self, scenario: str) -> Command:
        """The command of a scenario."""

    def forget(self) -> None:
        """Drop what it keeps between runs on this side, where the machines were reset."""
        return


def tool(name: str) -> str:
    """A program of the benchmark's own environment."""
    return str(VENV / "bin" / name)
