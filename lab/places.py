"""Where the lab keeps things: caches that outlive it, and the state of one run."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
"""The clone that this module belongs to."""
RUNTIME = Path("/run/helicon-lab")
"""Sockets and process ids of what runs now; shared by all clones on a machine."""


def cache() -> Path:
    """What takes long to make and can be made again; shared by all clones of a user."""
    return Path(os.environ.get("HELICON_CACHE") or "~/.cache/helicon").expanduser()


def state(lab: str) -> Path:
    """What belongs to one lab of this clone: its keys and known hosts."""
    return REPOSITORY / ".lab" / lab
