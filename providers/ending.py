"""The end of a Python process, which the engine waits for: program and provider, one after the other."""

from __future__ import annotations

import atexit
import gc
import io
from contextlib import suppress

_WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


def without_search() -> None:
    """Have this process end without a last search of its memory, which goes back whole: a quarter of a second.

    What Python does at its end stays the same: its status, functions registered, files left open written
    out. But what is reachable from itself, as all that modules hold is, is not looked for any more: nothing there
    may wait for its `__del__`.
    """
    atexit.register(_end)


def _end() -> None:
    for one in gc.get_objects():
        if type(one) in _WRITERS:
            with suppress(OSError, ValueError):  # as Python's own end, which only says so; or it is closed
                one.flush()
    gc.freeze()
