"""Which package manager a machine has: asked of the machine, never read from the configuration."""

from __future__ import annotations

from providers.core.errors import Refused
from providers.core.host import Argv
from providers.core.thing import Site
from providers.software.apt_get import AptGet
from providers.software.dnf import Dnf
from providers.software.package_manager import Manager

_WHICH = """
for name in apt-get tdnf dnf; do if command -v "$name" >/dev/null; then echo "$name"; exit; fi; done
"""
QUESTION: Argv = ("sh", "-c", _WHICH, "which")
APT, TDNF, DNF = AptGet(), Dnf("tdnf"), Dnf("dnf")
_BY_PROGRAM: dict[str, Manager] = {"apt-get": APT, "tdnf": TDNF, "dnf": DNF}


def manager_of(site: Site) -> Manager:
    """The machine's package manager; a machine with several has the first of apt-get, tdnf and dnf."""
    (answer,) = site.host.ask([QUESTION])
    found = _BY_PROGRAM.get(answer.text)
    if found is None:
        raise Refused(
            host=str(site.host),
            item="package manager",
            expected="apt-get, tdnf or dnf",
            found="none of them",
            next_step="put Debian, Ubuntu, Raspberry Pi OS, Armbian or Photon OS on the machine",
        )
    return found


def uses_rpm(program: str) -> bool:
    """Whether the answer to QUESTION names a manager of rpm packages."""
    return isinstance(_BY_PROGRAM.get(program), Dnf)
