"""`python -m providers.ping STACK`: what every machine of a rack is, and what would go wrong on it.

Reading only; with --measure, the disks of control planes that are not prepared yet are measured by
a small file that is removed again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from config import ConfigurationError, load_file
from providers.preflight.finding import Finding, stops, table
from providers.preflight.gather import Seen, look
from providers.preflight.judge import judge
from providers.ssh.pool import Pool

COLUMNS = ("machine", "address", "reachable", "system", "arch", "kernel", "memory", "free disk", "clock")


def overview(seen: Sequence[Seen]) -> str:
    """One line for each machine."""
    rows = [COLUMNS, *(_row(one) for one in seen)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def report(seen: Sequence[Seen], findings: Sequence[Finding]) -> str:
    """The machines, and below them what was found."""
    found = table(findings) or "  nothing amiss"
    return f"{overview(seen)}\n\n{found}"


def status(seen: Sequence[Seen], findings: Sequence[Finding]) -> int:
    """0 when all machines answered and nothing is an error."""
    silent = any(one.facts is None for one in seen)
    return int(silent or stops(findings))


def main(arguments: Sequence[str]) -> int:
    """Show the rack; 1 when a machine did not answer or something is an error."""
    parser = argparse.ArgumentParser(prog="python -m providers.ping", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("--measure", action="store_true", help="measure the disks of fresh control planes")
    given = parser.parse_args(arguments)
    try:
        rack = load_file(Path(f"Pulumi.{given.stack}.yaml"))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    pool = Pool()
    try:
        seen = look(rack, pool, measure=given.measure)
    finally:
        pool.close()
    findings = judge(rack, seen)
    print(report(seen, findings))
    return status(seen, findings)


def _row(one: Seen) -> tuple[str, ...]:
    address = one.machine.connection.address
    if one.facts is None:
        return (one.machine.name, address, "no", *["-"] * (len(COLUMNS) - 3))
    facts = one.facts
    disk = facts.disks.get("/")
    return (
        one.machine.name,
        address,
        "yes",
        facts.os or "?",
        facts.architecture or "?",
        facts.kernel or "?",
        f"{facts.memory // 1024} MiB",
        f"{disk.free / 1024**2:.1f} of {disk.size / 1024**2:.1f} GiB" if disk else "?",
        f"{one.offset:+.0f} s" if abs(one.offset) >= 1 else "in step",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
