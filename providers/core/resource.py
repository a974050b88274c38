"""The life of a resource on a machine, without Pulumi: converge, observe, remove."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from providers.core.errors import StillDiffers, Unobservable
from providers.core.host import Argv
from providers.core.record import NOTHING, Properties, Record, recorded
from providers.core.thing import ABSENT, Change, Json, Site, Thing

AnyThing = Thing[Any]
PATIENCE = 180.0
"""Seconds to wait for what cannot be seen: longer than an API server takes to start again on a slow board."""
POLL = 3.0


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A resource type: its name, and the things that are its properties, in the order they are made."""

    name: str
    things: tuple[AnyThing, ...]
    optional: bool = False
    """Whether a living machine may lose it; the end of any other kind is that of the machine."""

    def managed(self, properties: Properties) -> Iterator[tuple[AnyThing, Any]]:
        """The things whose property is given, each with its parsed state."""
        for thing in self.things:
            if thing.name in properties:
                yield thing, thing.parse(properties[thing.name])

    def questions(self, properties: Properties) -> list[Argv]:
        """Everything that observing these properties asks."""
        return [argv for thing, state in self.managed(properties) for argv in thing.questions(state)]

    def plan(self, old: Properties, new: Properties) -> list[Change]:
        """The differences between two sets of properties; pure."""
        changes = []
        for thing, desired in self.managed(new):
            current = thing.parse(old[thing.name]) if thing.name in old else None
            if current is None:
                changes.append(Change(field=thing.name, was=None, now=new[thing.name]))
            else:
                changes += thing.plan(current, desired)
        return changes + [Change(field=name, was=old[name], now=None) for name in self.released(old, new)]

    def released(self, old: Properties, new: Properties) -> dict[str, Json]:
        """The parts of `old` that `new` no longer manages, by property."""
        parts: dict[str, Json] = {}
        for thing, state in self.managed(old):
            gone = thing.minus(state, thing.parse(new[thing.name])) if thing.name in new else state
            if gone is not None:
                parts[thing.name] = thing.render(gone)
        return parts

    def safe(self, properties: Properties) -> dict[str, Json]:
        """The managed properties fit for a plain file: of a secret one only the keys."""
        shown = {}
        for thing in self.things:
            if thing.name in properties:
                value = properties[thing.name]
                shown[thing.name] = _keys_only(value) if thing.secret else value
        return shown


def _keys_only(value: Json) -> Json:
    return dict.fromkeys(value, ABSENT) if isinstance(value, dict) else ABSENT


def converge(kind: Kind, site: Site, old: Properties, new: Properties) -> None:
    """Make the machine what `new` says, and give back what only `old` managed.

    Raises a HostError at the first thing that fails; the record on the machine then holds both
    sets, so that a later run can go on from there or give everything back. What systemd has to read
    before it can be seen is verified last.
    """
    site, record = replace(site, resource=kind.name), Record(site.host, kind.name)
    wanted, questions = list(kind.managed(new)), kind.questions(new)
    asked = [thing.questions(desired) for thing, desired in wanted]
    # a create changes most things, and asks for each as it comes to it; an update changes few
    site.host.survey([record.question, *(questions if old else next(filter(None, asked), []))])
    begun = record.read()
    if begun != [kind.safe(new)]:
        record.begin([*(begun or [NOTHING]), kind.safe(new)], questions)
    for stale in [*begun, old]:
        give_back(kind, site, kind.released(stale, new))
    later = []
    for number, (thing, desired) in enumerate(wanted):
        unread = site.systemd.unread
        if not _make(thing, site, desired):
            continue
        if site.systemd.unread > unread:
            later.append((thing, desired))
        else:
            _verify(thing, site, desired, next(filter(None, asked[number + 1 :]), []))
    site.systemd.reload()
    for thing, desired in later:
        _verify(thing, site, desired)
    record.end(kind.safe(new))


def _make(thing: AnyThing, site: Site, desired: Any) -> bool:
    """Change one thing; whether there was anything to change."""
    changes = thing.plan(_seen(thing, site, desired), desired)
    if changes:
        site.say(f"{thing.name}: {_summary(changes)}")
        thing.apply(site, changes, desired)
    return bool(changes)


def _verify(thing: AnyThing, site: Site, desired: Any, ahead: Sequence[Argv] = ()) -> None:
    """Look at a thing again; in the same round trip at what comes next (`ahead`)."""
    site.host.ask([*thing.questions(desired), *ahead])
    left = thing.plan(_seen(thing, site, desired), desired)
    if left:
        raise _still_differs(site, thing, left[0])


def _seen(thing: AnyThing, site: Site, desired: Any) -> Any:
    """What there is, waiting for what this same run may be mending elsewhere, such as the API."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return thing.observe(site, desired)
        except Unobservable as error:
            if time.monotonic() > deadline:
                raise
            site.say(f"{thing.name}: waiting for {error.expected}")
            site.host.forget()
            time.sleep(POLL)


def _summary(changes: Sequence[Change]) -> str:
    named = ", ".join(change.field for change in changes[:3])
    return named + (f" and {len(changes) - 3} more" if len(changes) > 3 else "")


def _still_differs(site: Site, thing: AnyThing, change: Change) -> StillDiffers:
    now, was = ("(secret)", "something else") if thing.secret else (change.now, change.was)
    return StillDiffers(
        host=str(site.host),
        item=f"{thing.name} {change.field}",
        expected=repr(now),
        found=f"{was!r} after the change was made",
        next_step="see what changes it back on the machine, then run pulumi up again",
    )


def observe(kind: Kind, site: Site, properties: Properties) -> dict[str, Json]:
    """The properties as the machine shows them now, for the keys that `properties` manages.

    What cannot be seen now keeps its value: the rest of the resource is looked at all the same.
    """
    site.host.survey([*kind.questions(properties), Record(site.host, kind.name).question])
    found: dict[str, Json] = {}
    for thing, state in kind.managed(properties):
        try:
            found[thing.name] = thing.render(thing.observe(site, state))
        except Unobservable:
            found[thing.name] = properties[thing.name]
    return found


def give_back(kind: Kind, site: Site, properties: Properties) -> None:
    """Restore what was there before, last made first."""
    for thing, state in reversed(list(kind.managed(properties))):
        site.say(f"{thing.name}: back to what was there before")
        thing.remove(site, state)


def remove(kind: Kind, site: Site, properties: Properties, *, later: Sequence[Kind] = ()) -> None:
    """Give back all that the resource ever began on this machine, and its record.

    First comes what resources made later began there: Pulumi knows nothing of a create that failed,
    and what it left would outlive the programs that it needs to be given back. Of a kind that a living
    machine may lose, the later ones live on, but for creates that never came to their end.
    """
    begun_later = recorded(site.host) if later else []
    for one in reversed(later):
        if one.name in begun_later and (not kind.optional or Record(site.host, one.name).unfinished()):
            remove(one, replace(site, leaving=True), {})
    site, record = replace(site, resource=kind.name), Record(site.host, kind.name)
    begun = record.read()
    for stale in [*reversed(begun), properties]:
        give_back(kind, site, stale)
    record.drop()


def known(kind: Kind, properties: Properties) -> dict[str, Json]:
    """Only the managed properties of a bag that also holds the machine and its connection."""
    names = {thing.name for thing in kind.things}
    return {name: value for name, value in properties.items() if name in names}
