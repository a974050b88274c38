"""How a process ends, on processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import atexit, sys
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
left_open = open(sys.argv[1], "w")
closed = open(sys.argv[1] + ".closed", "w")
closed.close()
def writes(): left_open.write("all of it")
writes()
raise SystemExit(3)
"""


@pytest.mark.parametrize(
    ("call", "last"), [("ending.without_search()", []), ("", ["searched"])], ids=["without", "with"]
)
def test_only_the_search_is_left_out(call: str, last: list[str], tmp_path: Path) -> None:
    """Status, registered functions and what was written stay; Python's own end would have found the loop."""
    written = tmp_path / "file"
    argv = [sys.executable, "-c", SCRIPT.format(call=call), str(written)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.splitlines() == ["registered after", "registered before", *last]
    assert written.read_text() == "all of it"
