"""The one error of the lab: what it was about, what was expected and found, and what to type next."""

from __future__ import annotations


class LabError(Exception):
    """A step of the lab that failed on this machine."""

    def __init__(self, *, item: str, expected: str, found: str, next_step: str) -> None:
        self.item = item
        self.expected = expected
        self.found = found
        self.next_step = next_step
        super().__init__(f"{item}: expected {expected}, found {found}. Next: {next_step}")
