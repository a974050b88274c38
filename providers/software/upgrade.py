"""All packages of a machine brought up to date: once for each stamp, and only where it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core.files_on_host import Placed, place
from providers.core.host import Argv
from providers.core.journal import ROOT
from providers.core.thing import Change, Json, Site, Thing
from providers.software import package_managers
from providers.software.package_manager import Manager

RECORD = f"{ROOT}/upgrade"
"""The stamp of the last upgrade, written when it has succeeded."""
_RECORDED: Argv = ("cat", RECORD)


@dataclass(frozen=True, kw_only=True)
class UpgradeState:
    """How far an upgrade goes, for which stamp it ran, and, as long as it did not, what it would change."""

    level: str
    stamp: str
    pending: dict[str, str] = field(default_factory=dict)


class Upgrade(Thing[UpgradeState]):
    """Held packages stay. What was upgraded is not downgraded again: nothing of it comes back."""

    name = "upgrade"

    def parse(self, value: Json) -> UpgradeState:
        """From {"level": "upgrade", "dist-upgrade" or "distro-sync", "stamp": "2026-11"}; "" only looks."""
        given = cast(dict[str, Json], value)
        pending = cast(dict[str, str], given.get("pending", {}))
        return UpgradeState(level=str(given["level"]), stamp=str(given["stamp"]), pending=dict(pending))

    def render(self, state: UpgradeState) -> Json:
        """To the same, with `pending` packages while the upgrade has not run."""
        shown: dict[str, Json] = {"level": state.level, "stamp": state.stamp}
        return {**shown, "pending": dict(state.pending)} if state.pending else shown

    def questions(self, managed: UpgradeState) -> Sequence[Argv]:
        """Which manager there is, the last stamp, and what both kinds say of what is new."""
        pending = (one.pending(managed.level) for one in (package_managers.APT, package_managers.TDNF))
        return [package_managers.QUESTION, _RECORDED, *pending]

    def observe(self, site: Site, managed: UpgradeState) -> UpgradeState:
        """By the lists that the machine has: looking fetches nothing."""
        _, recorded, *_ = site.host.ask(self.questions(managed))
        stamp = recorded.text if recorded.ok else ""
        if managed.stamp and managed.stamp == stamp:
            return UpgradeState(level=managed.level, stamp=stamp)
        pending = _pending(site, package_managers.manager_of(site), managed.level)
        return UpgradeState(level=managed.level, stamp=stamp if managed.stamp else "", pending=pending)

    def plan(self, current: UpgradeState, desired: UpgradeState) -> list[Change]:
        """One change for a stamp that has not run yet, and one for each package that is known to change."""
        if desired.stamp in ("", current.stamp):
            return []
        packages = (
            Change(field=f"pending.{name}", was=what, now=None)
            for name, what in sorted(current.pending.items())
        )
        return [Change(field="stamp", was=current.stamp or None, now=desired.stamp), *packages]

    def apply(self, site: Site, changes: Sequence[Change], desired: UpgradeState) -> None:
        """Fetch the lists, say what changes, change it, and record the stamp."""
        manager = package_managers.manager_of(site)
        manager.refresh(site)
        for name, what in sorted(_pending(site, manager, desired.level).items()):
            site.say(f"upgrade: {name} {what}")
        manager.upgrade(site, desired.level)
        place(site, {RECORD: Placed(content=desired.stamp, mode="0600")})

    def remove(self, site: Site, managed: UpgradeState) -> None:
        """Forget the stamp; the packages stay as they are."""
        site.say("upgrade: the packages keep their new versions, nothing is downgraded")
        site.host.run(["rm", "-f", RECORD])

    def minus(self, old: UpgradeState, new: UpgradeState) -> UpgradeState | None:
        """An upgrade has no parts."""
        return None


def _pending(site: Site, manager: Manager, level: str) -> dict[str, str]:
    (answer,) = site.host.ask([manager.pending(level)])
    return manager.parse_pending(answer.text)
