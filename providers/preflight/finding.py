"""A finding, and the one table of all of them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from config import Machine

SWITCH = "HELICON_PREFLIGHT"
"""The environment variable that turns the preflight off for one run: 0."""
ERROR, WARNING = "error", "warning"
_WIDTH = 110


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something on one machine that is not as it must be (an error) or should be (a warning)."""

    level: str
    machine: str
    check: str
    """Name of the check, as `preflight.tolerate` takes it."""
    expected: str
    found: str
    next_step: str


def on(machine: Machine, level: str, check: str, *, expected: str, found: str, cure: str) -> Finding:
    """A finding on a machine."""
    return Finding(
        level=level, machine=machine.name, check=check, expected=expected, found=found, next_step=cure
    )


def stops(findings: Sequence[Finding]) -> bool:
    """Whether a run must not begin."""
    return any(one.level == ERROR for one in findings)


def report(findings: Sequence[Finding]) -> str:
    """The findings as a run shows them, with the way to go on all the same where it stops."""
    hint = "Nothing was changed. To put up with a check: preflight: {tolerate: [its name]}; with all:"
    return f"preflight:\n{table(findings)}" + (f"\n{hint} {SWITCH}=0" if stops(findings) else "")


def table(findings: Sequence[Finding]) -> str:
    """One line for each finding, what to do below it; errors first."""
    ordered = sorted(findings, key=lambda one: one.level)
    names = max((len(one.machine) for one in ordered), default=0)
    checks = max((len(one.check) for one in ordered), default=0)
    return "\n".join(line for one in ordered for line in _lines(one, names, checks))


def _lines(one: Finding, names: int, checks: int) -> list[str]:
    begin = f"  {one.level:<7}  {one.machine:<{names}}  {one.check:<{checks}}  "
    texts = (f"expected {one.expected}, found {one.found}", f"Next: {one.next_step}")
    width = max(_WIDTH - len(begin), 40)
    lines = [line for text in texts for line in textwrap.wrap(text, width, break_long_words=False)]
    return [f"{begin if number == 0 else ' ' * len(begin)}{line}" for number, line in enumerate(lines)]
