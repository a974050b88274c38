"""The meter: what a command cost, with what it leaves behind."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.contenders.contender import Command
from bench.meter import measured

BURN = "n = 0\nwhile n < 10**6: n += 1"
LEFT = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n{BURN}"
)


def test_status_and_costs_are_told(tmp_path: Path) -> None:
    """A failure is a result too."""
    command = Command(argv=[sys.executable, "-c", f"{BURN}\nraise SystemExit(3)"], cwd=tmp_path)
    cost = measured(command, tmp_path / "log")
    assert cost.status == 3
    assert cost.cpu > 0 and cost.wall > 0


def test_what_is_left_behind_is_ended(tmp_path: Path) -> None:
    """A persistent connection must not serve the next run, nor escape the count."""
    cost = measured(Command(argv=[sys.executable, "-c", LEFT], cwd=tmp_path), tmp_path / "log", timeout=40)
    assert cost.status == 0
