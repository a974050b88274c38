"""What holds between machines, what counts, and how it is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.core.errors import Unreachable
from providers.preflight.finding import Finding, table
from providers.preflight.gather import Seen, offset
from providers.preflight.judge import judge
from tests.providers.preflight.racks import findings, rack, seen, short


@pytest.mark.parametrize(
    ("line", "check", "level"),
    [("machine_id", "machine id", "error"), ("mac", "mac", "error"), ("host_key", "host key", "warning")],
)
def test_cloned_cards_are_named_by_each_other(line: str, check: str, level: str) -> None:
    """Each of those that share is a row, and no other."""
    same: dict[str, str | None] = {line: "ssh-ed25519 SAME"}
    found = findings(rack(), cp_1=same, w_1=same, w_2=same)
    assert short(found) == [(level, name, check) for name in ("cp-1", "w-1", "w-2")]
    assert found[0].found == "that of w-1, w-2"


def test_many_clones_do_not_fill_the_screen() -> None:
    """Three are named, the others counted."""
    same: dict[str, str | None] = {"machine_id": "same"}
    found = findings(rack(), cp_1=same, cp_2=same, cp_3=same, w_1=same, w_2=same)
    assert found[0].found == "that of cp-2, cp-3, w-1 and 1 more"


def test_a_missing_machine_id_is_nobody_s() -> None:
    """Empty values are not shared."""
    assert findings(rack(), cp_1={"machine_id": ""}, w_1={"machine_id": ""}) == []


def test_an_unreachable_machine_is_a_warning_and_hides_no_other() -> None:
    """`up` changes the others, and names that one itself."""
    here = rack()
    gone = Unreachable(host="w-2", item="ssh", expected="an answer", found="none", next_step="see its power")
    without = [
        Seen(machine=one.machine, error=gone) if one.machine.name == "w-2" else one for one in seen(here)
    ]
    assert short(judge(here, without)) == [("warning", "w-2", "answer")]


def test_a_tolerated_check_is_a_warning() -> None:
    """Those that `preflight.tolerate` names, and no other."""
    patient = rack(preflight={"tolerate": ["memory"]})
    faults: dict[str, str | None] = {"memtotal": "512000", "listens": "10250 x"}
    assert short(findings(patient, w_1=faults)) == [("warning", "w-1", "memory"), ("error", "w-1", "ports")]


@pytest.mark.parametrize(("there", "expected"), [(100.0, 0.0), (101.5, 0.0), (103.0, 1.0), (40.0, -60.0)])
def test_a_clock_is_off_only_by_what_asking_cannot_explain(there: float, expected: float) -> None:
    """Asked at 100, answered at 102."""
    assert offset(100.0, there, 102.0) == expected


def test_a_clock_that_is_off_is_a_warning() -> None:
    """Time servers may mend it; the clock's own step waits for that."""
    here = rack()
    late = [replace(one, offset=-3600.0) if one.machine.name == "w-1" else one for one in seen(here)]
    (one,) = judge(here, late)
    assert (one.level, one.check, one.found) == ("warning", "clock", "3600 s behind")


def test_the_table_has_errors_first_and_wraps_long_lines() -> None:
    """What to do stands below what was found."""
    common = {"machine": "cp-1", "expected": "a", "found": "b " * 80, "next_step": "ls"}
    lines = table(
        [Finding(level="warning", check="mac", **common), Finding(level="error", check="disk", **common)]
    ).splitlines()
    assert lines[0].startswith("  error    cp-1  disk  expected a, found b b")
    assert any(line.startswith("  warning  cp-1  mac ") for line in lines)
    assert max(len(line) for line in lines) <= 110
    assert [line.strip() for line in lines].count("Next: ls") == 2
