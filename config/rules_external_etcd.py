"""Rules about an external etcd: how many members it has, and on which machines."""

from __future__ import annotations

from config.draft import Draft
from config.problems import show

SIZES = (1, 3, 5, 7)
"""How many members etcd has use for (etcd.io, "FAQ": an odd number, no more than seven)."""


def external(draft: Draft) -> bool:
    """Whether etcd has machines of its own."""
    return bool(draft.raw.get("etcd_members"))


def etcd_members(draft: Draft) -> None:
    """An odd number of members, at most seven."""
    raw = draft.raw.get("etcd_members")
    if not isinstance(raw, dict) or not raw or len(raw) in SIZES:
        return
    few = max(size for size in SIZES if size < len(raw))
    draft.report(
        ("etcd_members",),
        expected="1, 3, 5 or 7 members",
        found=f"{len(raw)}: {', '.join(raw)}",
        suggestion=f"Add or remove one: {len(raw)} members survive no more failures than {few} do."
        if len(raw) < SIZES[-1]
        else "Every write waits for a majority: more than seven only make etcd slower.",
    )


def etcd_architectures(draft: Draft) -> None:
    """etcd's image, and its kubelet, are not there for 32-bit ARM."""
    for name, member in draft.etcd_members.items():
        if member.architecture not in ("arm64", "amd64"):
            draft.report(
                draft.origin(("etcd_members", name), "architecture"),
                expected="arm64 or amd64 for a member of etcd",
                found=show(member.architecture),
                suggestion="Take another board, or install a 64-bit system (Pi 3 and later can).",
            )


ETCD_RULES = (etcd_members, etcd_architectures)
"""All rules about an external etcd."""
