"""The end of a Python process, which the engine waits for: program and provider, one after the other."""

from __future__ import annotations

import atexit
import gc


def without_search() -> None:
    """Have this process end without a last search of its memory, which goes back whole: a quarter of a second.

    What Python does at its end stays the same, status, files and what others registered; only garbage
    that refers to itself is not looked for, so nothing may wait for its `__del__`.
    """
    atexit.register(gc.freeze)
