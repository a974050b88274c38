"""A machine's static network as typed settings, and as a property that tells the running from the kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from providers.core.thing import ABSENT, Change, Json

KEEP, STATIC, NONE = "keep", "static", "none"
"""What happens to /etc/resolv.conf: its manager's business, written by us, or nothing at all."""
PENDING, MODE = "pending", "file_mode"
"""What appears in a property only where it is amiss."""
OURS = "# written by helicon\n"
"""The first line of our /etc/resolv.conf."""
_BOTH = re.compile(r"(.*) \(at start: (.*)\)")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a manager's files say of one interface; address with its prefix length, None: nothing."""

    address: str | None = None
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    own_resolver: bool = False
    """Whether the manager is told to leave /etc/resolv.conf alone, which is ours."""


@dataclass(frozen=True, kw_only=True)
class Both:
    """One value as the kernel has it, and as the machine will have it at its next start."""

    live: str | None
    kept: str | None

    @classmethod
    def parse(cls, value: Json) -> Both:
        """From "10.0.0.1", or "10.0.0.1 (at start: 10.0.0.2)"."""
        both = _BOTH.fullmatch(str(value))
        live, kept = both.groups() if both else (str(value), str(value))
        return cls(live=_or_none(live), kept=_or_none(kept))

    def __str__(self) -> str:
        """To the same."""
        live, kept = self.live or ABSENT, self.kept or ABSENT
        return live if live == kept else f"{live} (at start: {kept})"


@dataclass(frozen=True, kw_only=True)
class NetworkState:
    """The static network of the interface that carries the machine's address."""

    interface: str = ""
    """Name; empty: the one with the address, else the one of the default route."""
    address: Both
    gateway: Both
    dns: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    resolv_conf: str = KEEP
    """One of the three modes, or what was found instead of our file."""
    deadline: int = 60
    """Seconds in which a change must prove itself."""
    restore: bool = False
    amiss: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """What the manager's files shall say."""
        own = self.resolv_conf == STATIC
        address, gateway = self.address.kept, self.gateway.kept
        return Settings(address=address, gateway=gateway, dns=self.dns, search=self.search, own_resolver=own)


def parse(value: Json) -> NetworkState:
    """The state of a property."""
    given = cast(Mapping[str, Any], value)
    return NetworkState(
        interface=given.get("interface", ""),
        address=Both.parse(given.get("address", ABSENT)),
        gateway=Both.parse(given.get("gateway", ABSENT)),
        dns=tuple(given.get("dns", ())),
        search=tuple(given.get("search", ())),
        resolv_conf=given.get("resolv_conf", KEEP),
        deadline=int(given.get("deadline", 60)),
        restore=bool(given.get("restore", False)),
        amiss={key: given[key] for key in (PENDING, MODE) if key in given},
    )


def render(state: NetworkState) -> Json:
    """The property of a state."""
    return {
        "interface": state.interface,
        "address": str(state.address),
        "gateway": str(state.gateway),
        "dns": list(state.dns),
        "search": list(state.search),
        "resolv_conf": state.resolv_conf,
        "deadline": state.deadline,
        "restore": state.restore,
        **state.amiss,
    }


def plan(current: NetworkState, desired: NetworkState) -> list[Change]:
    """One change for each value that differs."""
    return sorted(_changes(current, desired), key=lambda change: change.field)


def _changes(current: NetworkState, desired: NetworkState) -> Iterator[Change]:
    for name in ("interface", "address", "gateway", "dns", "search", "resolv_conf", "deadline", "restore"):
        was, now = getattr(current, name), getattr(desired, name)
        if was != now:
            yield Change(field=name, was=_plain(was), now=_plain(now))
    for name in sorted(current.amiss.keys() | desired.amiss.keys()):
        was, now = current.amiss.get(name), desired.amiss.get(name)
        if was != now:
            yield Change(field=name, was=was, now=now)


def _plain(value: object) -> object:
    return _or_none(str(value)) if isinstance(value, Both) else value


def _or_none(text: str) -> str | None:
    return None if text in (ABSENT, "") else text


def resolv_conf(settings: Settings) -> str:
    """A resolv.conf(5)."""
    search = f"search {' '.join(settings.search)}\n" if settings.search else ""
    return OURS + search + "".join(f"nameserver {one}\n" for one in settings.dns)


def resolver(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name servers and search domains of a resolv.conf(5); of several search lines the last counts."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    servers = tuple(words[1] for words in lines if words[0] == "nameserver" and len(words) > 1)
    searches = [tuple(words[1:]) for words in lines if words[0] in ("search", "domain")]
    return servers, searches[-1] if searches else ()
