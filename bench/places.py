"""Where the benchmark keeps things."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CACHE = REPOSITORY / ".cache" / "bench"
VENV = CACHE / "venv"
"""The environment of the other contenders and of the plots: `make bench` fills it from requirements.txt."""
WORK = CACHE / "work"
"""Inventories, stack files, logs: made anew by each run."""


@dataclass(frozen=True)
class Shelf:
    """Where a page goes, and in the directory of its name what belongs to it."""

    page: Path

    @property
    def plots(self) -> Path:
        """The directory of the plots."""
        return self.page.with_suffix("")

    @property
    def results(self) -> Path:
        """Every run that the page counts: a part measured anew takes the place of its former runs."""
        return self.plots / "results.json"


PUBLISHED = Shelf(REPOSITORY / "docs" / "benchmarks.md")
TRIAL = Shelf(CACHE / "benchmarks.md")
"""What a quick look found, which is no measurement."""


def file_word(name: str) -> str:
    """A scenario's or contender's name as part of a file's name."""
    return name.translate(str.maketrans(" ", "-", ",'"))
