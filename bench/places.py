"""Where the benchmark keeps things."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CACHE = REPOSITORY / ".cache" / "bench"
VENV = CACHE / "venv"
"""The environment of the other contenders and of the plots: `make bench` fills it from requirements.txt."""
WORK = CACHE / "work"
"""Inventories, stack files, logs: made anew by each run."""
RESULTS = CACHE / "results.json"
PAGE = REPOSITORY / "docs" / "benchmarks.md"
PLOTS = REPOSITORY / "docs" / "benchmarks"


def file_word(name: str) -> str:
    """A scenario's or contender's name as part of a file's name."""
    return name.translate(str.maketrans(" ", "-", ",'"))
