"""Whose login this program uses on a machine, and whether that is to be given back."""

from __future__ import annotations

import os

from providers.core.host import Argv
from providers.core.thing import Site

GIVE_BACK = "HELICON_GIVE_BACK"
"""Machines whose access is given back by a destroy, with commas, or "all"."""
_WHO = 'echo "${SUDO_USER:-$(id -un)}"'
_ASK: Argv = ("sh", "-c", _WHO, "login")


def login(site: Site) -> str:
    """The user that the connection logged in as, before sudo."""
    (answer,) = site.host.ask([_ASK])
    return answer.text.strip()


def stays(site: Site) -> bool:
    """Whether what lets us in outlives the machine's time in the stack: unless it was asked back."""
    asked = os.environ.get(GIVE_BACK, "").replace(" ", "").split(",")
    return site.leaving and not {"all", site.host.name} & set(asked)
