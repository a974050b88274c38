"""A program with typed options in a configuration file, and the systemd unit that runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, cast

from providers.core.errors import HostError
from providers.core.host import Argv, Completed
from providers.core.options import Options, changes, complete, rendered, whole
from providers.core.thing import ABSENT, Change, Json, Site, Thing

CONTENT = "content"
FILE = "file"
"""The field of the change that stands for all options: the file is not there."""
DIFFERS = "(differs)"
WELL: Mapping[str, str] = {CONTENT: "", "enabled": "enabled", "active": "active"}
"""What besides the options is managed, and how it shall be; in a property only what is amiss appears."""

_ENABLED = ("enabled", "alias", "static")
_ACTIVE = ("active", "reloading")

_BRING_UP = """
unit=$1; verb=$2
systemctl unmask --no-reload -q "$unit" && systemctl enable --no-reload -q "$unit" && systemctl daemon-reload || exit
systemctl is-active -q "$unit" || verb=start
systemctl reset-failed "$unit"  # also its count of starts: several changes in a row are no crash loop
systemctl "$verb" "$unit" && exit
systemctl --no-pager status "$unit" >&2; exit 1
"""
_QUIET = """
systemctl cat "$1" >/dev/null 2>&1 || exit 0
[ "$3" = active ] || systemctl stop "$1"
case "$2" in enabled|alias|static) ;; masked) systemctl mask -q "$1" ;; *) systemctl disable -q "$1" ;; esac
"""
_AGAIN = """
systemctl daemon-reload
[ "$2" = active ] && systemctl cat "$1" >/dev/null 2>&1 || exit 0
systemctl reset-failed "$1"; systemctl restart "$1"
"""


@dataclass(frozen=True, kw_only=True)
class ServiceState:
    """The options in the configuration file (None: there is no file), and what else is amiss."""

    options: dict[str, Json] | None
    amiss: dict[str, str] = field(default_factory=dict)


class Service(Thing[ServiceState]):
    """A managed service: its options and its unit, each a named difference."""

    defaults: ClassVar[Options]
    """All options, at the values that they have where nothing is said."""
    file: ClassVar[str]
    """The path of the configuration file."""

    def parse(self, value: Json) -> ServiceState:
        """From {option: value}, with `content`, `enabled` and `active` where they are amiss."""
        if value == ABSENT:
            return ServiceState(options=None)
        given = cast(dict[str, Json], whole(value))
        return ServiceState(
            options={key: one for key, one in given.items() if key not in WELL},
            amiss={key: str(one) for key, one in given.items() if key in WELL},
        )

    def render(self, state: ServiceState) -> Json:
        """To the same."""
        return ABSENT if state.options is None else rendered({**state.options, **state.amiss})

    def plan(self, current: ServiceState, desired: ServiceState) -> list[Change]:
        """One change for each option that differs, and one for each thing amiss."""
        if desired.options is None:
            return []
        if current.options is None:
            return [Change(field=FILE, was=None, now=self.file)]
        found = complete(self.defaults, current.options)
        return changes(found, complete(self.defaults, desired.options)) + [
            Change(field=key, was=was, now=WELL[key]) for key, was in sorted(current.amiss.items())
        ]

    def minus(self, old: ServiceState, new: ServiceState) -> ServiceState | None:
        """A configuration has no parts."""
        return None


def questions(unit: str) -> list[Argv]:
    """How a unit is, as `amiss` reads it."""
    return [("systemctl", "is-enabled", unit), ("systemctl", "is-active", unit)]


def amiss(enabled: Completed, active: Completed) -> dict[str, str]:
    """What is not as it should be, from the answers to `questions`."""
    found = {}
    if enabled.text not in _ENABLED:
        found["enabled"] = enabled.text or "not installed"
    if active.text not in _ACTIVE:
        found["active"] = active.text
    return found


def of_file(planned: Sequence[Change]) -> list[Change]:
    """The changes that need the configuration file written."""
    return [change for change in planned if change.field not in ("enabled", "active")]


def remember_unit(site: Site, thing: str, unit: str) -> None:
    """Keep in the journal how the unit was before the first change."""
    enabled, active = site.host.ask(questions(unit))
    site.journal.remember(thing, {"enabled": enabled.text or "absent", "active": active.text or "inactive"})


def bring_up(site: Site, unit: str, verb: str) -> None:
    """Enable the unit and start it; one that runs gets `verb`: start (leave it), reload or restart."""
    done = site.host.run(["sh", "-c", _BRING_UP, "bring-up", unit, verb], timeout=180, check=False)
    if not done.ok:
        raise HostError(
            host=str(site.host),
            item=f"unit {unit}",
            expected="active",
            found=last_lines(done),
            next_step=f"journalctl -u {unit} -n 50",
        )


def give_back(site: Site, thing: str, unit: str, paths: Sequence[str]) -> None:
    """The files and the unit as they were before; nothing where nothing was ever changed."""
    before = site.journal.recall(thing, ["enabled", "active"])
    if before:
        site.host.run(["sh", "-c", _QUIET, "quiet", unit, before["enabled"], before["active"]], timeout=180)
    site.journal.restore_files(paths)
    if before:
        site.host.run(["sh", "-c", _AGAIN, "again", unit, before["active"]], timeout=180)
    site.journal.forget(thing, before)


def last_lines(done: Completed, count: int = 10) -> str:
    """The end of what a command said, for an error."""
    said = (done.stderr + done.stdout).decode("utf-8", "replace").strip()
    return "\n".join(said.splitlines()[-count:]) or f"status {done.exit_status}"


def install(site: Site, script: str, path: str, item: str, checker: str, text: str) -> None:
    """Put a configuration in place by a script that lets the program's own checker see it first."""
    done = site.host.run(["sh", "-c", script, "install", path], stdin=text.encode(), check=False)
    if not done.ok:
        raise HostError(
            host=str(site.host),
            item=path,
            expected=f"a configuration that `{checker}` accepts",
            found=last_lines(done),
            next_step=f"correct the {item} options of {site.host.name} in the stack file",
        )
