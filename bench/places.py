"""Where the benchmark keeps things."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CACHE = REPOSITORY / ".cache" / "bench"
VENV = CACHE / "venv"
"""The environment of the other contenders and of the plots: `make bench` fills it from requirements.txt."""
WORK = CACHE / "work"
"""Inventories, stack files, logs: made anew by each run."""
PAGE = REPOSITORY / "docs" / "benchmarks.md"
PLOTS = REPOSITORY / "docs" / "benchmarks"
RESULTS = PLOTS / "results.json"
"""Every run that the page counts, kept with it: a part measured anew takes the place of its former runs."""


def file_word(name: str) -> str:
    """A scenario's or contender's name as part of a file's name."""
    return name.translate(str.maketrans(" ", "-", ",'"))
