"""Kernel settings: the live value, and the one in our file for the next start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core.errors import HostError
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from providers.core.writing import put

FILE = "/etc/sysctl.d/99-helicon.conf"
_READ: Argv = ("cat", FILE)
_BOTH = re.compile(r"(.*) \(at start: (.*)\)")
# Says the file of the first that cannot be set.
_SET = """
while [ "$#" -gt 1 ]; do
  [ -e "$1" ] && printf '%s\\n' "$2" > "$1" || { printf %s "$1"; exit 1; }
  shift 2
done
"""

Values = dict[str, str | None]


@dataclass(frozen=True, kw_only=True)
class SysctlState:
    """Values by key as the kernel has them and as our file has them; None where there is none."""

    live: Values = field(default_factory=dict)
    kept: Values = field(default_factory=dict)


class Sysctl(Thing[SysctlState]):
    """Both values as one property; they are told apart where they differ."""

    name = "sysctl"

    def parse(self, value: Json) -> SysctlState:
        """From {"key": "1"}, or {"key": "1 (at start: 0)"}."""
        given = cast(dict[str, Json], value)
        pairs = {key: _both(str(int(one) if isinstance(one, float) else one)) for key, one in given.items()}
        return SysctlState(
            live={key: live for key, (live, _) in pairs.items()},
            kept={key: kept for key, (_, kept) in pairs.items()},
        )

    def render(self, state: SysctlState) -> Json:
        """To the same."""
        return {key: _shown(live, state.kept.get(key)) for key, live in state.live.items()}

    def questions(self, managed: SysctlState) -> Sequence[Argv]:
        """Our file, and all live values."""
        return [_READ, ("grep", "-sH", "", "--", *(path(key) for key in sorted(managed.live)))]

    def observe(self, site: Site, managed: SysctlState) -> SysctlState:
        """Both values of the managed keys."""
        file, live = site.host.ask(self.questions(managed))
        found, kept = _lines(live.text), parse(file.text)
        return SysctlState(
            live={key: found.get(path(key)) for key in managed.live},
            kept={key: kept.get(key) for key in managed.live},
        )

    def plan(self, current: SysctlState, desired: SysctlState) -> list[Change]:
        """One change for each key whose live or kept value differs."""
        return [
            Change(field=key, was=_or_none(current, key), now=_or_none(desired, key))
            for key in sorted(desired.live)
            if (current.live.get(key), current.kept.get(key)) != (desired.live[key], desired.kept.get(key))
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: SysctlState) -> None:
        """Set the live values, then write the file."""
        keys = [change.field for change in changes]
        current = self.observe(site, desired)
        before = {key: value for key in keys if (value := current.live[key]) is not None}
        site.journal.remember(self.name, before, files=[FILE])
        _set(
            site,
            {key: desired.live[key] or "" for key in keys if current.live[key] != desired.live[key]},
            before,
        )
        if current.kept != desired.kept:
            put(site, FILE, text({key: value or "" for key, value in desired.kept.items()}))

    def remove(self, site: Site, managed: SysctlState) -> None:
        """Out of the file, and the former live values."""
        (file,) = site.host.ask([_READ])
        kept = parse(file.text)
        left = {key: value for key, value in kept.items() if key not in managed.live}
        before = site.journal.recall(self.name, sorted(managed.live))
        if not left:
            site.journal.restore_files([FILE])
        elif left != kept:
            put(site, FILE, text(left))
        for key, value in before.items():
            if not site.host.run(["sh", "-c", _SET, "set", path(key), value], check=False).ok:
                site.say(f"sysctl: {key} could not be set back to {value}; the next start does it")
        site.journal.forget(self.name, before)

    def minus(self, old: SysctlState, new: SysctlState) -> SysctlState | None:
        """The keys that are no longer listed."""
        live = {key: value for key, value in old.live.items() if key not in new.live}
        kept = {key: value for key, value in old.kept.items() if key in live}
        return SysctlState(live=live, kept=kept) if live else None


def path(key: str) -> str:
    """The file of a setting; in a key the first separator counts: a.b/c.d is a/b.c/d (sysctl.d(5))."""
    dotted = key.partition("/")[0].find(".") >= 0
    return "/proc/sys/" + (key.translate(str.maketrans("./", "/.")) if dotted else key)


def parse(text: str) -> dict[str, str]:
    """The values by key in a sysctl.d(5) file."""
    lines = [line.strip().removeprefix("-") for line in text.splitlines()]
    pairs = [line.partition("=") for line in lines if "=" in line and line[0] not in "#;"]
    return {key.strip(): _normal(value) for key, _, value in pairs}


def text(values: Mapping[str, str]) -> str:
    """A sysctl.d(5) file."""
    return "".join(f"{key} = {value}\n" for key, value in sorted(values.items()))


def _lines(text: str) -> dict[str, str]:
    """The values by file that grep shows, with the items of a list separated by one space."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        file, _, value = line.partition(":")
        found.setdefault(file, []).append(value)
    return {file: _normal(" ".join(values)) for file, values in found.items()}


def _normal(value: str) -> str:
    return " ".join(value.split())


def _both(value: str) -> tuple[str | None, str | None]:
    both = _BOTH.fullmatch(value)
    live, kept = both.groups() if both else (value, value)
    return (None if live == ABSENT else _normal(live)), (None if kept == ABSENT else _normal(kept))


def _shown(live: str | None, kept: str | None) -> str:
    first, second = ABSENT if live is None else live, ABSENT if kept is None else kept
    return first if first == second else f"{first} (at start: {second})"


def _or_none(state: SysctlState, key: str) -> str | None:
    one = _shown(state.live.get(key), state.kept.get(key))
    return None if one == ABSENT else one


def _set(site: Site, values: Mapping[str, str], before: Mapping[str, str]) -> None:
    if not values:
        return
    pairs = {path(key): value for key, value in values.items()}
    words = [word for pair in pairs.items() for word in pair]
    done = site.host.run(["sh", "-c", _SET, "set", *words], check=False)
    if done.ok:
        return
    refused = [key for key in values if path(key) == done.text]
    key = refused[0] if refused else ", ".join(values)
    was = before.get(key)
    said = " ".join(done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:])
    raise HostError(
        host=str(site.host),
        item=f"sysctl {key}",
        expected=values.get(key, "set"),
        found="no such setting" if was is None else f"{was}, which could not be changed: {said}",
        next_step=_cure(key, was),
    )


def _cure(key: str, was: str | None) -> str:
    if was is None:
        return f"correct `sysctl.{key}` in the stack file, or list the module that brings it under `modules`"
    return "in a container set it on the machine that runs the container; else see `sysctl -w` for the reason"
