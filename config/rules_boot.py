"""What must hold within the settings of how a machine starts."""

from __future__ import annotations

from config.draft import Draft
from config.problems import render, show


def contradictions(draft: Draft) -> None:
    """A word of the command line is wanted or unwanted, not both."""
    for path, machine in draft.machines():
        for at, word in enumerate(machine.boot.absent):
            if word in machine.boot.present:
                where = draft.origin(path, "boot", "absent", at)
                other = draft.origin(path, "boot", "present", machine.boot.present.index(word))
                draft.report(
                    where,
                    expected="a word that is not wanted as well",
                    found=show(word),
                    suggestion=f"Remove it here or from {render(other)}.",
                )
