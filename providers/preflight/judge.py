"""From what was seen to findings: every rule over every machine, then what holds between machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from config import Node, Rack
from providers.core.errors import HostError
from providers.preflight import between, rules
from providers.preflight.finding import ERROR, WARNING, Finding
from providers.preflight.gather import Seen

BEFORE_JOINING = frozenset({"memory", "ports", "disk", "fsync", "swap", "modules"})
"""Checks of what a machine needs to become a node; one that is a node already has shown it."""


def judge(rack: Rack, seen: Sequence[Seen]) -> list[Finding]:
    """All findings, in the order of the machines.

    On a machine that does its work already nothing is an error: what was put up with so far must
    not stop an unrelated change.
    """
    known = {one.machine.name: one for one in seen}
    raised = [found for one in seen for found in _of(rack, one)]
    raised += between.duplicates(seen)
    return [kept for one in raised for kept in _kept(rack, known[one.machine], one)]


def settled(one: Seen) -> bool:
    """Whether the machine does its work already: a member of the cluster, or a load balancer of ours."""
    if one.facts is None:
        return False
    return one.facts.member if isinstance(one.machine, Node) else one.facts.managed


def _of(rack: Rack, one: Seen) -> Iterator[Finding]:
    if one.facts is None:
        assert one.error is not None, "a machine without facts has said why"
        yield _unanswered(one.machine.name, one.error)
        return
    for rule in rules.RULES:
        yield from rule(rack, one.machine, one.facts)
    yield from rules.clock(rack, one.machine, one.offset)


def _kept(rack: Rack, one: Seen, finding: Finding) -> list[Finding]:
    working = settled(one)
    if working and finding.check in BEFORE_JOINING:
        return []
    if finding.level == ERROR and (working or finding.check in rack.preflight.tolerate):
        return [replace(finding, level=WARNING)]
    return [finding]


def _unanswered(name: str, error: HostError) -> Finding:
    """Not an error here: `up` changes the other machines, and names this one itself."""
    return Finding(
        level=WARNING,
        machine=name,
        check="answer",
        expected=error.expected,
        found=f"{error.found} ({error.item})",
        next_step=error.next_step,
    )
