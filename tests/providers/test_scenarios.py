"""Every scenario file, acted out against a strict fake host."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.scenarios import play, scenario_files


@pytest.mark.parametrize("path", scenario_files(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_scenario_goes_as_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Observation, plan, commands and what is left afterwards are exactly those of the file; nobody waits."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    play(path)
