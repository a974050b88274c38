"""The look at all machines before the first resource registers."""

from __future__ import annotations

import os

import pulumi

from config import Rack
from providers.preflight import judge, look, table
from providers.preflight.finding import ERROR

SWITCH = "HELICON_PREFLIGHT"
_OFF = ("0", "false", "no", "off")


def preflight(rack: Rack) -> None:
    """Look at every machine once, reading only; errors, all at once, end the program before it begins.

    In an `up`, the disks of control planes that are not prepared yet are measured with a file that
    is removed again; a preview writes nothing at all.
    """
    if not rack.preflight.enabled or os.environ.get(SWITCH, "").lower() in _OFF:
        return
    findings = judge(rack, look(rack, measure=not pulumi.runtime.is_dry_run()))
    if any(one.level == ERROR for one in findings):
        hint = "Nothing was changed. To put up with a check: preflight: {tolerate: [its name]}; with all:"
        raise pulumi.RunError(f"preflight:\n{table(findings)}\n{hint} {SWITCH}=0")
    if findings:
        pulumi.warn(f"preflight:\n{table(findings)}")
