"""What every manager of networks has in common: is it the one, what its files say, how it takes them up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

from providers.network.links import Links
from providers.network.settings import Settings

BEGIN, END = "# helicon: begin", "# helicon: end"
OUT = "#helicon: "
"""Before the lines of others that ours take the place of."""
DELETE = (
    'interface=$1; shift; for address; do ip -4 addr del "$address" dev "$interface" 2>/dev/null; done; :\n'
)
"""Take the addresses off the interface that the manager itself would leave there."""


Texts = dict[str, str | None]
"""Files as they shall be, by path; None: no such file."""


class Backend(ABC):
    """One manager of networks."""

    name: ClassVar[str]
    mode: ClassVar[str] = ""
    """Mode that its own file must have; empty: whatever the file has."""
    writes_resolver: ClassVar[bool] = False
    """Whether it writes /etc/resolv.conf unless its files forbid it."""
    down: ClassVar[str] = ":\n"
    """Shell text that runs before the files change: interface, then the addresses that may be on it."""
    up: ClassVar[str]
    """Shell text that makes the manager take up its files."""

    @abstractmethod
    def manages(self, links: Links, interface: str) -> bool:
        """Whether it is the one that sets up the interface."""

    @abstractmethod
    def path(self) -> str:
        """The file that holds the settings."""

    @abstractmethod
    def files(self, interface: str, settings: Settings, found: Mapping[str, str]) -> Texts:
        """The texts of its files as they shall be, from those that are there; pure."""

    @abstractmethod
    def read(self, interface: str, found: Mapping[str, str]) -> Settings:
        """What its files say of the interface; pure."""


def with_block(text: str, lines: Iterable[str]) -> str:
    """The text with our block at its end, in place of an earlier one."""
    kept = without_block(text)
    start = kept if not kept or kept.endswith("\n") else f"{kept}\n"
    return start + "".join(f"{line}\n" for line in (BEGIN, *lines, END))


def without_block(text: str) -> str:
    """The text without our block."""
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        inside = inside or line.strip() == BEGIN
        if not inside:
            kept.append(line)
        inside = inside and line.strip() != END
    return "".join(kept)
