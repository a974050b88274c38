"""Families of operating systems: how each is recognised on the machine, and in what they differ.

A new family is one entry of FAMILIES; its name never stands in a configuration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from providers.core.host import Argv

PI_CMDLINE = "/boot/firmware/cmdline.txt"
PI_CMDLINE_LEGACY = "/boot/cmdline.txt"
UBUNTU_CMDLINE = "/boot/firmware/current/cmdline.txt"
ARMBIAN_ENV = "/boot/armbianEnv.txt"
PHOTON_CFG = "/boot/photon.cfg"
GRUB = "/etc/default/grub"
_ARMBIAN, _RASPBERRY_PI = "/etc/armbian-release", "/etc/rpi-issue"
_MARKS = (_ARMBIAN, _RASPBERRY_PI)
_ASK = 'cat /etc/os-release; for path; do [ ! -e "$path" ] || echo "have $path"; done'
QUESTION: Argv = ("sh", "-c", _ASK, "family", *_MARKS)
"""os-release(5), and the files by which a family shows that calls itself Debian there."""


@dataclass(frozen=True, kw_only=True)
class System:
    """What a machine says of its operating system."""

    id: str = ""
    like: tuple[str, ...] = ()
    version: int = 0
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family: its name, how it is recognised, and what is its own."""

    name: str
    matches: Callable[[System], bool]
    command_lines: tuple[str, ...]
    """Files that may hold the kernel's command line; the first that does is the one."""
    swap: tuple[str, ...] = ()
    """Services that make swap; the units that a generator makes are found on the machine."""


def _is_raspberry_pi(system: System) -> bool:
    return system.id == "raspbian" or _RASPBERRY_PI in system.marks


_ZRAM_TOOLS = "zramswap.service"
_PI = (PI_CMDLINE, PI_CMDLINE_LEGACY)

FAMILIES = (
    Family(
        name="VMware Photon OS",
        matches=lambda system: system.id == "photon",
        command_lines=(PHOTON_CFG,),
    ),
    Family(
        name="Armbian",
        matches=lambda system: _ARMBIAN in system.marks,
        command_lines=(ARMBIAN_ENV, PI_CMDLINE, GRUB),
        swap=("armbian-zram-config.service",),
    ),
    Family(
        name="Ubuntu",
        matches=lambda system: system.id == "ubuntu",
        command_lines=(UBUNTU_CMDLINE, PI_CMDLINE, GRUB),
        swap=("zram-config.service",),
    ),
    Family(
        name="Raspberry Pi OS, to Bullseye",
        matches=lambda system: _is_raspberry_pi(system) and system.version <= 11,
        command_lines=(PI_CMDLINE_LEGACY,),
        swap=("dphys-swapfile.service",),
    ),
    Family(
        name="Raspberry Pi OS Bookworm",
        matches=lambda system: _is_raspberry_pi(system) and system.version == 12,
        command_lines=_PI,
        swap=("dphys-swapfile.service",),
    ),
    Family(
        name="Raspberry Pi OS, from Trixie",
        matches=_is_raspberry_pi,
        command_lines=_PI,
        swap=("systemd-zram-setup@zram0.service", "rpi-zram-writeback.timer"),
    ),
    Family(
        name="Debian",
        matches=lambda system: system.id == "debian" or "debian" in system.like,
        command_lines=(GRUB, PI_CMDLINE),
        swap=(_ZRAM_TOOLS, "dphys-swapfile.service", "systemd-zram-setup@zram0.service"),
    ),
)
"""In the order in which they are tried: a derivative comes before what it derives from."""


def parse(text: str) -> System:
    """The answer to QUESTION."""
    found = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)"?$', text, re.MULTILINE))
    version = re.match(r"\d+", found.get("VERSION_ID", ""))
    return System(
        id=found.get("ID", ""),
        like=tuple(found.get("ID_LIKE", "").split()),
        # a Debian that is still in the making has no number: it is newer than all that have one
        version=int(version.group()) if version else 99,
        marks=frozenset(re.findall(r"^have (.*)$", text, re.MULTILINE)),
    )


def family(system: System) -> Family | None:
    """The family of a system; None where it is of none that is known."""
    return next((one for one in FAMILIES if one.matches(system)), None)


def all_of(values: Callable[[Family], Sequence[str]]) -> tuple[str, ...]:
    """What the families have of something, each once, sorted."""
    return tuple(sorted({one for family in FAMILIES for one in values(family)}))
