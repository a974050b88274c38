"""The machine's name: the one it starts with, and the one that it runs under."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from providers.core.files_on_host import rewrite
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing

FILE = "/etc/hostname"
_ASK: tuple[Argv, ...] = (("cat", FILE), ("hostname",))
_BOTH = re.compile(r"(.*) \(running as (.*)\)")


@dataclass(frozen=True, kw_only=True)
class HostnameState:
    """The name in /etc/hostname (None: no such file, or empty), and the kernel's."""

    static: str | None
    running: str | None


class Hostname(Thing[HostnameState]):
    """Both names as one property; they are told apart where they differ."""

    name = "hostname"

    def parse(self, value: Json) -> HostnameState:
        """From "cp-1", or "cp-1 (running as raspberrypi)"."""
        text = str(value)
        both = _BOTH.fullmatch(text)
        static, running = both.groups() if both else (text, text)
        return HostnameState(static=_name(static), running=_name(running))

    def render(self, state: HostnameState) -> Json:
        """To the same."""
        static, running = state.static or ABSENT, state.running or ABSENT
        return static if static == running else f"{static} (running as {running})"

    def questions(self, managed: HostnameState) -> Sequence[Argv]:
        """The file and the kernel's name."""
        return list(_ASK)

    def observe(self, site: Site, managed: HostnameState) -> HostnameState:
        """Both names as they are."""
        file, running = site.host.ask(_ASK)
        return HostnameState(static=static_name(file.text) if file.ok else None, running=running.text or None)

    def plan(self, current: HostnameState, desired: HostnameState) -> list[Change]:
        """A change for each of the two names that differs."""
        pairs = (("static", current.static, desired.static), ("running", current.running, desired.running))
        return [Change(field=field, was=was, now=now) for field, was, now in pairs if was != now]

    def apply(self, site: Site, changes: Sequence[Change], desired: HostnameState) -> None:
        """Write the file, then rename the running system."""
        (running,) = site.host.ask(_ASK[1:])
        site.journal.remember(self.name, {"running": running.text}, files=[FILE])
        fields = {change.field for change in changes}
        if "static" in fields:
            rewrite(site, FILE, f"{desired.static}\n")
        if "running" in fields:
            site.host.run(["hostname", str(desired.running)])

    def remove(self, site: Site, managed: HostnameState) -> None:
        """The former file and the former name."""
        before = site.journal.recall(self.name, ["running"])
        site.journal.restore_files([FILE])
        if before.get("running"):
            site.host.run(["hostname", before["running"]])
        site.journal.forget(self.name, before)

    def minus(self, old: HostnameState, new: HostnameState) -> HostnameState | None:
        """Nothing: a machine always has a name."""
        return None


def static_name(text: str) -> str | None:
    """The name in a hostname(5) file: its first line that is no comment."""
    lines = [line.strip() for line in text.splitlines()]
    return next((line for line in lines if line and not line.startswith("#")), None)


def _name(text: str) -> str | None:
    return None if text == ABSENT else text
