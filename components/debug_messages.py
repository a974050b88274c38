"""The SDK's debug messages: sent only where somebody asked for them.

Of each resource the SDK (3.272) tells the engine several times how far its registration is, and the program
stands still until the engine has taken each message: a fifth of the program's own time. The engine
shows them with `--debug` alone, and a program is not told whether that was given.
"""

from __future__ import annotations

import os
from typing import Any

import pulumi

SWITCH = "HELICON_DEBUG"
"""The environment variable that has them sent."""


def only_if_asked_for() -> None:
    """For this process: from here on, send none without the switch."""
    if not os.environ.get(SWITCH):
        pulumi.log.debug = _not_sent


def _not_sent(*_: Any, **__: Any) -> None:
    """In place of the SDK's function."""
