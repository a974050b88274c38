"""Packages of Debian and its kin, with versions and holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.software import apt

_FORMAT = r"-f=${Package}\t${db:Status-Want}\t${db:Status-Status}\t${Version}\n"
_INSTALLED = ("installed", "triggers-pending", "triggers-awaited")
_ONLY_DEPENDS = (
    "-o",
    "APT::AutoRemove::RecommendsImportant=false",
    "-o",
    "APT::AutoRemove::SuggestsImportant=false",
)
"""What another package merely suggests is not needed; it was not there before either."""
BROUGHT = "brought"
"""In the journal: a package that was not there before."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A version, wanted (with `*` at its end for any continuation, empty for any) or found, and its hold."""

    version: str
    hold: bool = False


@dataclass(frozen=True, kw_only=True)
class PackagesState:
    """Packages by name; None where one is not installed."""

    packages: dict[str, Package | None] = field(default_factory=dict)


class Packages(Thing[PackagesState]):
    """Packages installed by apt, held by dpkg's own selection."""

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
        """dpkg's records of the packages, selections included: apt-mark would load all of apt's lists."""
        return [("dpkg-query", "-W", _FORMAT, *sorted(managed.packages))] if managed.packages else []

    def observe(self, site: Site, managed: PackagesState) -> PackagesState:
        """The versions found; a version that the wanted pattern allows shows as that pattern."""
        found: dict[str, Package] = {}
        for answer in site.host.ask(self.questions(managed)):
            found |= parse_records(answer.text)
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
        to_install = [_requirement(name, one) for name, one in wanted.items() if name in fields]
        if to_install:
            _install(site, names, to_install)
        else:
            _remember(site, names, [])
        apt.mark(site, "hold", [name for name, one in wanted.items() if one.hold])
        apt.mark(site, "unhold", [name for name, one in wanted.items() if not one.hold])

    def remove(self, site: Site, managed: PackagesState) -> None:
        """Purge the packages that we brought, with what came along, unless another package needs them."""
        entries = site.journal.entries(self.name)
        mine = [name for name in managed.packages if name in entries]
        holds = {name: entries[name] for name in mine if entries[name] != BROUGHT}
        apt.mark(site, "hold", [name for name, before in holds.items() if before == "hold"])
        apt.mark(site, "unhold", [name for name, before in holds.items() if before != "hold"])
        brought = {name for name, before in entries.items() if before == BROUGHT}
        purged = _purge(site, _present(site, [name for name in mine if name in brought]), brought)
        site.journal.forget(self.name, sorted({*mine, *purged}))

    def minus(self, old: PackagesState, new: PackagesState) -> PackagesState | None:
        """The packages that are no longer listed."""
        gone = {name: one for name, one in old.packages.items() if name not in new.packages}
        return PackagesState(packages=gone) if gone else None


def parse_records(text: str) -> dict[str, Package]:
    """The packages in dpkg-query's answer; one that is half-installed shows its state as its version."""
    found = {}
    for line in text.splitlines():
        name, want, status, version = line.split("\t")
        if status in _INSTALLED:
            found[name] = Package(version=version, hold=want == "hold")
        elif status not in ("not-installed", "config-files"):
            found[name] = Package(version=f"({status})", hold=want == "hold")
    return found


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


def _requirement(name: str, wanted: Package) -> str:
    return f"{name}={wanted.version}" if wanted.version else name


def _install(site: Site, names: Sequence[str], requirements: Sequence[str]) -> None:
    options = ["--no-install-recommends", "--allow-change-held-packages", "--allow-downgrades"]
    item = f"packages {' '.join(requirements)}"
    site.say(f"apt-get install {' '.join(requirements)}")
    new, _ = apt.simulate(site, item, *options, "install", *requirements)
    _remember(site, names, new)
    apt.run(site, item, *options, "install", *requirements)


def _remember(site: Site, names: Sequence[str], new: Iterable[str]) -> None:
    """Before the change: which packages it brings, and how those that are there were held."""
    (answer,) = site.host.ask([("dpkg-query", "-W", _FORMAT, *sorted(names))])
    found = parse_records(answer.text)
    before = {name: "hold" if one.hold else "install" for name, one in found.items()}
    site.journal.remember(Packages.name, {**before, **dict.fromkeys(new, BROUGHT)})


def _present(site: Site, names: Sequence[str]) -> list[str]:
    """The packages of which there is still something, be it configuration files."""
    if not names:
        return []
    (answer,) = site.host.ask([("dpkg-query", "-W", _FORMAT, *sorted(names))])
    lines = [line.split("\t") for line in answer.text.splitlines()]
    return [name for name, _, status, _ in lines if status != "not-installed"]


def _purge(site: Site, names: Sequence[str], brought: set[str]) -> list[str]:
    """Purge packages and what only they needed, all of it ours; returns what is gone."""
    apt.mark(site, "unhold", names)  # a held package keeps even those that only it needs
    free = [name for name in names if _free(site, name, brought)]
    for name in set(names) - set(free):
        site.say(f"packages: {name} stays, another package needs it")
    if not free:
        return []
    item = f"packages {' '.join(free)}"
    _, unneeded = apt.simulate(site, item, *_ONLY_DEPENDS, "--auto-remove", "purge", *free)
    gone = sorted(brought & {*unneeded, *free})
    site.say(f"apt-get purge {' '.join(gone)}")
    apt.run(site, f"packages {' '.join(gone)}", "--allow-change-held-packages", "purge", *gone)
    return gone


def _free(site: Site, name: str, brought: set[str]) -> bool:
    """Whether purging a package takes along only what we brought."""
    _, removes = apt.simulate(site, f"package {name}", "--allow-change-held-packages", "purge", name)
    return set(removes) <= brought
