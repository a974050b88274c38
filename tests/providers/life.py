"""The whole life of a managed thing on a throwaway machine, with the real shell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from providers.core.host import Completed, Host
from providers.core.journal import ROOT, Journal
from providers.core.thing import Json, Site, Thing
from tests.host_behind import HostBehind
from tests.local_host import LocalHost
from tests.scenarios import FakeRack


def site(host: Host) -> Site:
    """A machine alone."""
    return Site(host=host, journal=Journal(host), rack=FakeRack({}))


def converge(thing: Thing[Any], host: Host, old: Json, new: Json) -> list[str]:
    """What an update does; the fields that changed."""
    here, desired = site(host), thing.parse(new)
    gone = None if old is None else thing.minus(thing.parse(old), desired)
    if gone is not None:
        thing.remove(here, gone)
    changes = thing.plan(thing.observe(here, desired), desired)
    if changes:
        thing.apply(here, changes, desired)
    left = thing.plan(thing.observe(here, desired), desired)
    assert not left, f"still differs: {left}"
    return [change.field for change in changes]


def live(
    thing: Thing[Any],
    host: LocalHost,
    first: Json,
    second: Json,
    damage: Sequence[str],
    places: Sequence[str],
) -> list[str]:
    """Create, repeat, damage, mend, update, remove twice; the fields that the damage showed as changed.

    Nothing runs where nothing differs, an update leaves what a create leaves, and in the end the
    places are as before, with nothing left in the journal.
    """
    before = host.tree(*places)
    converge(thing, host, None, second)
    as_created = host.tree(*places)
    thing.remove(site(host), thing.parse(second))
    assert host.tree(*places) == before
    converge(thing, host, None, first)
    count = len(host.ran)
    assert converge(thing, host, first, first) == []
    assert len(host.ran) == count, f"ran though nothing differed: {host.ran[count:]}"
    host.run(["sh", "-c", "\n".join(damage)])
    drifted = converge(thing, host, first, first)
    converge(thing, host, first, second)
    assert host.tree(*places) == as_created
    thing.remove(site(host), thing.parse(second))
    assert host.tree(*places) == before
    thing.remove(site(host), thing.parse(second))
    assert host.tree(*places) == before
    assert [line for line in host.tree(ROOT) if line.startswith("f")] == []
    return drifted


class Cut(KeyboardInterrupt):
    """The end of a run that was killed."""


class CutHost(HostBehind):
    """A machine whose run is killed before the n-th command."""

    def __init__(self, real: LocalHost, commands: int) -> None:
        super().__init__(real)
        self._left = commands

    def run(self, argv: Sequence[str], **how: Any) -> Completed:
        """Run, until the cut."""
        self._count()
        return super().run(argv, **how)

    def note(self, argv: Sequence[str], *, stdin: bytes = b"") -> Completed:
        """Note, until the cut."""
        self._count()
        return self._real.note(argv, stdin=stdin)

    def _count(self) -> None:
        if not self._left:
            raise Cut
        self._left -= 1


def cut_anywhere(thing: Thing[Any], host: LocalHost, wanted: Json, places: Sequence[str]) -> int:
    """Kill a create, and the removal that follows, before each of their commands in turn.

    The next run goes on from there to the same tree as an undisturbed one, and a removal right
    after the cut leaves the places as before. Returns the number of cuts.
    """
    before = host.tree(*places)
    converge(thing, host, None, wanted)
    whole = host.tree(*places)
    thing.remove(site(host), thing.parse(wanted))
    for cut in range(50):
        done = _cut(converge, thing, CutHost(host, cut), None, wanted)
        converge(thing, host, None, wanted)
        assert host.tree(*places) == whole, f"create cut at {cut}"
        done &= _cut(thing.remove, site(CutHost(host, cut)), thing.parse(wanted))
        thing.remove(site(host), thing.parse(wanted))
        assert host.tree(*places) == before, f"removal cut at {cut}"
        _cut(converge, thing, CutHost(host, cut), None, wanted)
        thing.remove(site(host), thing.parse(wanted))
        assert host.tree(*places) == before, f"removal after a create that was cut at {cut}"
        if done:
            return cut
    raise AssertionError("more than 50 commands")


def _cut(act: Callable[..., object], *arguments: Any) -> bool:
    """Whether it came to its end."""
    try:
        act(*arguments)
    except Cut:
        return False
    return True
