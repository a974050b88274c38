"""The userland's architecture, which must be the configured one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from providers.core.errors import Refused
from providers.core.host import Argv
from providers.core.thing import Change, Json, Site, Thing

LOOK = "dpkg --print-architecture 2>/dev/null || uname -m"
ASK: Argv = ("sh", "-c", LOOK, "architecture")
"""dpkg first: Raspberry Pi OS runs 32-bit userlands under 64-bit kernels."""
NAMES = {"aarch64": "arm64", "x86_64": "amd64", "armv7l": "armhf", "armv6l": "armv6"}


@dataclass(frozen=True, kw_only=True)
class ArchitectureState:
    """Debian's name of the architecture."""

    name: str


class Architecture(Thing[ArchitectureState]):
    """A fact that is checked, not changed."""

    name = "architecture"

    def parse(self, value: Json) -> ArchitectureState:
        """From "arm64"."""
        return ArchitectureState(name=str(value))

    def render(self, state: ArchitectureState) -> Json:
        """To "arm64"."""
        return state.name

    def questions(self, managed: ArchitectureState) -> Sequence[Argv]:
        """dpkg's answer, or the kernel's."""
        return [ASK]

    def observe(self, site: Site, managed: ArchitectureState) -> ArchitectureState:
        """The machine's architecture."""
        (answer,) = site.host.ask([ASK])
        return ArchitectureState(name=NAMES.get(answer.text, answer.text))

    def plan(self, current: ArchitectureState, desired: ArchitectureState) -> list[Change]:
        """A change when another board answers than the configuration describes."""
        if current == desired:
            return []
        return [Change(field=self.name, was=current.name, now=desired.name)]

    def apply(self, site: Site, changes: Sequence[Change], desired: ArchitectureState) -> None:
        """Refuse: an architecture cannot be changed."""
        raise Refused(
            host=str(site.host),
            item="architecture",
            expected=desired.name,
            found=str(changes[0].was),
            next_step=f"set `architecture` of {site.host.name} in the stack file, or flash another image",
        )

    def remove(self, site: Site, managed: ArchitectureState) -> None:
        """Nothing was changed."""

    def minus(self, old: ArchitectureState, new: ArchitectureState) -> ArchitectureState | None:
        """Nothing can be left over."""
        return None
