"""What is refused before anything is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import quiet
from bench.quiet import noise, only_run

HEADING = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def board(lab: str, *, running: bool = True) -> dict[str, object]:
    """A board as the rack lists it."""
    return {"lab": lab, "board": "w-1", "running": running}


def test_a_quiet_machine_is_measured_on() -> None:
    assert not noise(HEADING, [board("bench"), board("life", running=False)], ["bench"])


def test_swap_in_use_and_each_rack_beside_are_told_at_once() -> None:
    entries = [board("bench"), board("life"), board("life"), board("lab")]
    told = noise(HEADING + "/swapfile file 1048572 0 -2\n", entries, ["bench"])
    assert [line.split("Next: ")[1] for line in told] == [
        "make lab-down, in the clone that made it",
        "python -m lab.boards down --lab life",
        "swapoff --all",
    ]


def test_a_second_run_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(quiet, "LOCK", tmp_path / "lock")
    with only_run(), pytest.raises(SystemExit, match="another run of `make bench`"), only_run():
        pass
    with only_run():
        pass
