"""What a package manager does for the managed things, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from providers.core.host import Argv
from providers.core.thing import Site

Remember = Callable[[Sequence[str]], None]
"""Called with the packages that an installation will bring, before anything is changed."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A version, wanted (with `*` at its end for any continuation, empty for any) or found, and its hold."""

    version: str
    hold: bool = False


class Manager(ABC):
    """Packages are known by Debian's names; a manager that knows them by others translates."""

    @abstractmethod
    def question(self, names: Collection[str]) -> Argv:
        """Asks for the records of packages; anything but an answer to `parse` where the manager is not there."""

    @abstractmethod
    def parse(self, text: str) -> dict[str, Package]:
        """The packages that are there; one that is half-installed shows its state as its version."""

    @abstractmethod
    def install(self, site: Site, requirements: Mapping[str, str], remember: Remember) -> None:
        """Install packages, with versions or patterns of them, in one transaction."""

    @abstractmethod
    def hold(self, site: Site, held: Collection[str], free: Collection[str]) -> None:
        """Hold some packages where they are, let go of others."""

    @abstractmethod
    def present(self, site: Site, names: Collection[str]) -> list[str]:
        """The packages of which there is still something, be it configuration files."""

    @abstractmethod
    def preview_removal(self, site: Site, names: Sequence[str]) -> set[str]:
        """What a removal would take along: what depends on the packages."""

    @abstractmethod
    def unneeded(self, site: Site, names: Sequence[str]) -> set[str]:
        """What a removal leaves without use, the packages themselves among it."""

    @abstractmethod
    def remove(self, site: Site, names: Sequence[str]) -> None:
        """Remove exactly these, configuration files and all."""

    @abstractmethod
    def pending(self, level: str) -> Argv:
        """Asks, by what the machine knows of its repositories, what an upgrade would change."""

    @abstractmethod
    def parse_pending(self, text: str) -> dict[str, str]:
        """The packages that would change, each with `old -> new`, `new version` or `removed`."""

    @abstractmethod
    def refresh(self, site: Site) -> None:
        """Fetch the lists of all repositories."""

    @abstractmethod
    def upgrade(self, site: Site, level: str) -> None:
        """Bring the whole machine up to date, but for what is held."""
