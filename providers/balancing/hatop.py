"""hatop, a live view of HAProxy in the terminal, where the release has it."""

from __future__ import annotations

from providers.core.errors import CommandFailed
from providers.core.host import Argv
from providers.core.thing import Site
from providers.software.package_manager import Package
from providers.software.packages import Packages, PackagesState

NAME = "hatop"
KNOWN: Argv = ("apt-cache", "show", "--no-all-versions", NAME)
"""Succeeds where the machine's repositories have the package; Photon OS has no hatop, and no apt."""
_WANTED = PackagesState(packages={NAME: Package(version="")})


def bring(site: Site) -> None:
    """Install it; that it cannot be had is said and no error: HAProxy works without."""
    (known,) = site.host.ask([KNOWN])
    packages = Packages()
    changes = packages.plan(packages.observe(site, _WANTED), _WANTED) if known.ok else []
    if not changes:
        return
    try:
        packages.apply(site, changes, _WANTED)
    except CommandFailed as error:
        site.say(f"{NAME}: not installed: {error.found}")


def take_away(site: Site) -> None:
    """Purge it, with what came along, if it came by us."""
    Packages().remove(site, _WANTED)
