"""How a process ends, on processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import atexit
from providers import ending

class Loop:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("searched")

atexit.register(print, "registered before")
{call}
atexit.register(print, "registered after")
Loop()
raise SystemExit(3)
"""


@pytest.mark.parametrize(
    ("call", "last"), [("ending.without_search()", []), ("", ["searched"])], ids=["without", "with"]
)
def test_only_the_search_is_left_out(call: str, last: list[str]) -> None:
    """Status and registered functions stay; Python's own end, beside it, would have found the loop."""
    argv = [sys.executable, "-c", SCRIPT.format(call=call)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert done.stdout.splitlines() == ["registered after", "registered before", *last]
