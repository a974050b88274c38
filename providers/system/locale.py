"""The system's locale: made where the C library does not have it, and set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core import assignments
from providers.core.errors import HostError
from providers.core.host import Argv
from providers.core.service import last_lines
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences

DEBIANS, OTHERS = "/etc/default/locale", "/etc/locale.conf"
"""Where Debian's family and where systemd keeps it; on Debian from trixie on one is a link to the other."""
_BUILT_IN = ("C", "POSIX", "C.utf8")
_MARK = "# helicon: the next line is ours"

_LOOK = 'if [ -e /etc/debian_version ]; then echo "$1"; cat "$1"; else echo "$2"; cat "$2"; fi 2>/dev/null; exit 0'
_ASK: Argv = ("sh", "-c", _LOOK, "locale", DEBIANS, OTHERS)
_MADE: Argv = ("locale", "-a")
_LISTED = """
for file; do [ ! -e "$file" ] || break; done
echo "$file"; cat "$file" 2>/dev/null; exit 0
"""
_LIST: Argv = ("sh", "-c", _LISTED, "list", "/etc/locale.gen", "/etc/locale-gen.conf")
"""What is to be made: by Debian's locale-gen, by Photon's locale-gen.sh."""
_MAKE = """
umask 022; : > "$1.helicon"; [ ! -e "$1" ] || cp -p --attributes-only "$1" "$1.helicon"
cat > "$1.helicon" && sync "$1.helicon" && mv "$1.helicon" "$1" || exit
for program in locale-gen locale-gen.sh; do
  command -v "$program" >/dev/null && { "$program" >/dev/null; exit; }
done
echo "there is no locale-gen" >&2; exit 1
"""
_MAKE_SECONDS = 600
"""A single locale takes a Raspberry Pi Zero two minutes, and locale-gen makes all of the list."""


@dataclass(frozen=True, kw_only=True)
class LocaleState:
    """Values by variable; None where it is not set, or where the C library does not have the locale."""

    values: dict[str, str | None] = field(default_factory=dict)


class Locale(Thing[LocaleState]):
    """LANG and the LC_ variables; sessions and services see them as they start."""

    name = "locale"

    def parse(self, value: Json) -> LocaleState:
        """From {"LANG": "fr_FR.UTF-8"}."""
        given = cast(dict[str, str], value)
        return LocaleState(values={key: None if one == ABSENT else one for key, one in given.items()})

    def render(self, state: LocaleState) -> Json:
        """To the same."""
        return {key: ABSENT if one is None else one for key, one in state.values.items()}

    def questions(self, managed: LocaleState) -> Sequence[Argv]:
        """What is set, and what there is."""
        return [_ASK, _MADE]

    def observe(self, site: Site, managed: LocaleState) -> LocaleState:
        """The managed variables that name a locale which exists."""
        told, made = site.host.ask([_ASK, _MADE])
        found = assignments.parse(told.text.partition("\n")[2])
        plain = {key: assignments.plain(one) for key, one in found.items()}
        known = made.text.split()
        return LocaleState(values={key: _if_made(plain.get(key), known) for key in managed.values})

    def plan(self, current: LocaleState, desired: LocaleState) -> list[Change]:
        """One change for each variable."""
        return differences(current.values, desired.values)

    def apply(self, site: Site, changes: Sequence[Change], desired: LocaleState) -> None:
        """Make what is missing, then set."""
        _, made = site.host.ask([_ASK, _MADE])
        path, text = _file(site)
        wanted = {change.field: str(change.now) for change in changes}
        missing = {one for one in wanted.values() if _if_made(one, made.text.split()) is None}
        if missing:
            _make(site, missing)
        assignments.put(site, self.name, path, text, wanted)

    def remove(self, site: Site, managed: LocaleState) -> None:
        """The former values; the locales that were made for us go from the list."""
        path, text = _file(site)
        assignments.give_back(site, self.name, path, text, managed.values)
        _unmake(site, {one for one in managed.values.values() if one})

    def minus(self, old: LocaleState, new: LocaleState) -> LocaleState | None:
        """The variables that are no longer listed."""
        gone = {key: one for key, one in old.values.items() if key not in new.values}
        kept = set(new.values.values())
        return (
            LocaleState(values={key: None if one in kept else one for key, one in gone.items()})
            if gone
            else None
        )


def normal(locale: str) -> str:
    """A locale as `locale -a` writes it: fr_FR.UTF-8 is fr_FR.utf8."""
    name, dot, charset = locale.partition(".")
    return name + dot + charset.replace("-", "").lower()


def line(locale: str) -> str:
    """What the list of locales to be made says of it: the name and its character set."""
    return f"{locale} {locale.partition('.')[2].partition('@')[0] or 'ISO-8859-1'}"


def _if_made(locale: str | None, known: Sequence[str]) -> str | None:
    there = locale is not None and normal(locale) in {*_BUILT_IN, *map(normal, known)}
    return locale if there else None


def _file(site: Site) -> tuple[str, str]:
    (told,) = site.host.ask([_ASK])
    path, _, text = told.stdout.decode("utf-8", "replace").partition("\n")
    return path, text


def _list(site: Site) -> tuple[str, str]:
    (answer,) = site.host.ask([_LIST])
    path, _, text = answer.stdout.decode("utf-8", "replace").partition("\n")
    return path, text


def _make(site: Site, locales: set[str]) -> None:
    path, text = _list(site)
    for one in sorted(locales):
        if f"{line(one)}\n" not in text.splitlines(keepends=True):
            text += f"{_MARK}\n{line(one)}\n"
    argv = ["sh", "-c", _MAKE, "make", path]
    done = site.host.run(argv, stdin=text.encode(), timeout=_MAKE_SECONDS, check=False)
    if not done.ok:
        raise HostError(
            host=str(site.host),
            item="locale",
            expected=f"that {', '.join(sorted(locales))} can be made",
            found=last_lines(done),
            next_step="apt-get install locales (Photon: tdnf install glibc-i18n), or choose C.UTF-8",
        )


def _unmake(site: Site, locales: set[str]) -> None:
    path, text = _list(site)
    rest = text
    for one in locales:
        rest = rest.replace(f"{_MARK}\n{line(one)}\n", "")
    if rest != text:
        argv = ["sh", "-c", _MAKE, "unmake", path]
        site.host.run(argv, stdin=rest.encode(), timeout=_MAKE_SECONDS, check=False)
