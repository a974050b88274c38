"""apt and dpkg as the manager of packages: Debian and its kin."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from providers.core.host import Argv
from providers.core.thing import Site
from providers.software import apt
from providers.software.package_manager import Manager, Package, Remember

_FORMAT = r"-f=${Package}\t${db:Status-Want}\t${db:Status-Status}\t${Version}\n"
_INSTALLED = ("installed", "triggers-pending", "triggers-awaited")
_ANYWAY = ("--no-install-recommends", "--allow-change-held-packages", "--allow-downgrades")
_ONLY_DEPENDS = (
    "-o",
    "APT::AutoRemove::RecommendsImportant=false",
    "-o",
    "APT::AutoRemove::SuggestsImportant=false",
)
"""What another package merely suggests is not needed; it was not there before either."""
_PURGE = ("--allow-change-held-packages", "purge")
_PENDING = re.compile(r"^(Inst|Remv|Purg) (\S+?)(?::\S+)?(?: \[(\S+)\])?(?: \((\S+) .*)?$", re.MULTILINE)


class AptGet(Manager):
    """Holds are dpkg's own selections."""

    def question(self, names: Collection[str]) -> Argv:
        """dpkg's records, selections included: apt-mark would load all of apt's lists."""
        return ("dpkg-query", "-W", _FORMAT, *sorted(names))

    def parse(self, text: str) -> dict[str, Package]:
        """From dpkg-query's lines."""
        found = {}
        for line in text.splitlines():
            name, want, status, version = line.split("\t")
            if status in _INSTALLED:
                found[name] = Package(version=version, hold=want == "hold")
            elif status not in ("not-installed", "config-files"):
                found[name] = Package(version=f"({status})", hold=want == "hold")
        return found

    def install(self, site: Site, requirements: Mapping[str, str], remember: Remember) -> None:
        """What comes along is known from a simulation."""
        words = [f"{name}={version}" if version else name for name, version in requirements.items()]
        item = f"packages {' '.join(words)}"
        site.say(f"apt-get install {' '.join(words)}")
        new, _ = apt.simulate(site, item, *_ANYWAY, "install", *words)
        remember(new)
        apt.run(site, item, *_ANYWAY, "install", *words)

    def hold(self, site: Site, held: Collection[str], free: Collection[str]) -> None:
        """By apt-mark."""
        apt.mark(site, "hold", list(held))
        apt.mark(site, "unhold", list(free))

    def present(self, site: Site, names: Collection[str]) -> list[str]:
        """By dpkg's records."""
        (answer,) = site.host.ask([self.question(names)])
        lines = [line.split("\t") for line in answer.text.splitlines()]
        return [name for name, _, status, _ in lines if status != "not-installed"]

    def preview_removal(self, site: Site, names: Sequence[str]) -> set[str]:
        """By a simulation."""
        return set(apt.simulate(site, f"package {' '.join(names)}", *_PURGE, *names)[1])

    def unneeded(self, site: Site, names: Sequence[str]) -> set[str]:
        """By a simulation; recommended and suggested packages count as not needed."""
        item = f"packages {' '.join(names)}"
        return set(apt.simulate(site, item, *_ONLY_DEPENDS, "--auto-remove", "purge", *names)[1])

    def remove(self, site: Site, names: Sequence[str]) -> None:
        """By purge."""
        site.say(f"apt-get purge {' '.join(names)}")
        apt.run(site, f"packages {' '.join(names)}", *_PURGE, *names)

    def pending(self, level: str) -> Argv:
        """A simulation, which neither locks nor writes."""
        return ("env", "LC_ALL=C", "apt-get", "-q", "--simulate", _verb(level))

    def parse_pending(self, text: str) -> dict[str, str]:
        """From apt-get's own form."""
        return {name: _told(verb, old, new) for verb, name, old, new in _PENDING.findall(text)}

    def refresh(self, site: Site) -> None:
        """By apt-get update."""
        apt.update(site, "all repositories")

    def upgrade(self, site: Site, level: str) -> None:
        """Configuration files that were changed are kept."""
        apt.run(site, f"apt-get {_verb(level)}", _verb(level))


def _verb(level: str) -> str:
    return "upgrade" if level == "upgrade" else "dist-upgrade"


def _told(verb: str, old: str, new: str) -> str:
    if verb != "Inst":
        return f"{old} removed"
    return f"{old} -> {new}" if old else f"new {new}"
