"""Packages, with versions and holds, by whichever package manager the machine has."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from providers.core.host import Argv
from providers.core.record import elsewhere
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.software import package_managers
from providers.software.package_manager import Manager, Package

BROUGHT = "brought"
"""In the journal: a package that was not there before."""
HOLD = "hold"
"""In the journal: a package that was held before."""


@dataclass(frozen=True, kw_only=True)
class PackagesState:
    """Packages by name; None where one is not installed."""

    packages: dict[str, Package | None] = field(default_factory=dict)


class Packages(Thing[PackagesState]):
    """Packages by Debian's names, installed and held by the machine's own manager."""

    name = "packages"

    def parse(self, value: Json) -> PackagesState:
        """From {"name": {"version": "1.7.*", "hold": true}}."""
        entries = cast(dict[str, dict[str, Json] | str], value)
        return PackagesState(packages={name: _parse(entry) for name, entry in entries.items()})

    def render(self, state: PackagesState) -> Json:
        """To {"name": {"version", "hold"}}."""
        return {
            name: ABSENT if one is None else {"version": one.version, "hold": one.hold}
            for name, one in state.packages.items()
        }

    def questions(self, managed: PackagesState) -> Sequence[Argv]:
        """Which manager there is, and the records of both kinds: the machine answers one of them."""
        names = managed.packages
        return (
            [
                package_managers.QUESTION,
                package_managers.APT.question(names),
                package_managers.TDNF.question(names),
            ]
            if names
            else []
        )

    def observe(self, site: Site, managed: PackagesState) -> PackagesState:
        """The versions found; a version that the wanted pattern allows shows as that pattern."""
        if not managed.packages:
            return managed
        site.host.ask(self.questions(managed))
        found = _found(site, package_managers.manager_of(site), managed.packages)
        return PackagesState(
            packages={name: _allowed(found.get(name), wanted) for name, wanted in managed.packages.items()}
        )

    def plan(self, current: PackagesState, desired: PackagesState) -> list[Change]:
        """One change for each package, or each of its parts, that differs."""
        return differences(_flat(current), _flat(desired))

    def apply(self, site: Site, changes: Sequence[Change], desired: PackagesState) -> None:
        """Install, in one transaction, what differs, then set the holds."""
        fields = {change.field for change in changes}
        names = [name for name in sorted(desired.packages) if fields & {name, f"{name}.hold"}]
        wanted = {name: package for name in names if (package := desired.packages[name])}
        to_install = {name: one.version for name, one in wanted.items() if name in fields}
        manager = package_managers.manager_of(site)
        before = {name: _before(one) for name, one in _found(site, manager, names).items()}
        if to_install:
            manager.install(site, to_install, lambda new: _remember(site, {**before, **_brought(new)}))
        else:
            _remember(site, before)
        held = [name for name, one in wanted.items() if one.hold]
        manager.hold(site, held, wanted.keys() - held)

    def remove(self, site: Site, managed: PackagesState) -> None:
        """Purge the packages that we brought, with what came along, unless another package needs them.

        What another resource of the machine wants stays, and so does its entry: that resource purges it.
        """
        entries = site.journal.entries(self.name)
        mine = [name for name in managed.packages if name in entries]
        if not mine:
            return
        wanted = _wanted_elsewhere(site)
        mine = [name for name in mine if name not in wanted]
        manager = package_managers.manager_of(site)
        ours = [name for name in mine if entries[name] == BROUGHT]
        held = [name for name in mine if entries[name] == HOLD]
        manager.hold(site, held, [name for name in mine if name not in {*ours, *held}])
        brought = {name for name, before in entries.items() if before == BROUGHT} - wanted
        purged = _purge(site, manager, manager.present(site, ours) if ours else [], brought, wanted)
        site.journal.forget(self.name, sorted({*mine, *purged}))

    def minus(self, old: PackagesState, new: PackagesState) -> PackagesState | None:
        """The packages that are no longer listed."""
        gone = {name: one for name, one in old.packages.items() if name not in new.packages}
        return PackagesState(packages=gone) if gone else None


def _parse(entry: Mapping[str, Json] | str) -> Package | None:
    if isinstance(entry, str):
        return None if entry == ABSENT else Package(version=entry)
    return Package(version=str(entry.get("version", "")), hold=bool(entry.get("hold", False)))


def _allowed(found: Package | None, wanted: Package | None) -> Package | None:
    """What was found, its version told by the wanted pattern where that allows it."""
    if found is None or wanted is None or found.version.startswith("("):
        return found
    return replace(found, version=wanted.version) if _matches(found.version, wanted.version) else found


def _matches(version: str, pattern: str) -> bool:
    """As apt-get install package=pattern would: a prefix where the pattern ends with `*`."""
    return version.startswith(pattern[:-1]) if pattern.endswith("*") else pattern in ("", version)


def _flat(state: PackagesState) -> dict[str, object]:
    """Versions by name, holds by name.hold; what is absent is not held."""
    versions: dict[str, object] = {name: one.version if one else None for name, one in state.packages.items()}
    return versions | {f"{name}.hold": one is not None and one.hold for name, one in state.packages.items()}


def _found(site: Site, manager: Manager, names: Collection[str]) -> dict[str, Package]:
    (answer,) = site.host.ask([manager.question(names)])
    return manager.parse(answer.text)


def _wanted_elsewhere(site: Site) -> set[str]:
    others = (one.get(Packages.name) for one in elsewhere(site.host, site.resource))
    return {name for packages in others if isinstance(packages, dict) for name in packages}


def _before(found: Package) -> str:
    return HOLD if found.hold else "install"


def _brought(names: Sequence[str]) -> dict[str, str]:
    return dict.fromkeys(names, BROUGHT)


def _remember(site: Site, before: Mapping[str, str]) -> None:
    """Before the change: which packages it brings, and how those that are there were held."""
    site.journal.remember(Packages.name, before)


def _purge(
    site: Site, manager: Manager, names: Sequence[str], brought: set[str], wanted: set[str]
) -> list[str]:
    """Purge packages and what only they needed, all of it ours and not wanted elsewhere; returns what is gone."""
    if not names:
        return []
    manager.hold(site, [], names)  # a held package keeps even those that only it needs
    free = [name for name in names if manager.preview_removal(site, [name]) <= brought]
    for name in set(names) - set(free):
        site.say(f"packages: {name} stays, another package needs it")
    if not free:
        return []
    unneeded = manager.unneeded(site, free)
    # where something of it stays, so does what that needs, until the resource that wants it lets go
    gone = sorted(free if unneeded & wanted else brought & {*unneeded, *free})
    manager.remove(site, gone)
    return gone
