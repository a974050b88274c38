"""What the state does not keep: where in the program a resource was described.

The SDK sends each registration's call stack along, and the engine writes it into the state: about a
third of a machine's share, written again at each step, and another one for whoever runs the program
from elsewhere. It has no switch for that, but takes the stack as deep as `sys.tracebacklimit` allows;
from one frame, its own, it makes none.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

OWN_FRAME = 1


@contextmanager
def not_kept() -> Iterator[None]:
    """Describe a resource inside; an error that leaves this has its whole traceback again."""
    before = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = OWN_FRAME
    try:
        yield
    finally:
        if before is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = before
