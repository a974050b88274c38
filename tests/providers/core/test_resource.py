"""The life of a resource: what was begun is recorded, what failed can be given back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from providers.core import resource
from providers.core.batch import QUESTIONS, listing
from providers.core.errors import StillDiffers, Unobservable
from providers.core.host import Argv, Host
from providers.core.journal import Journal
from providers.core.record import RECORDS
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from tests.local_host import LocalHost
from tests.providers.life import Cut, CutHost


@dataclass(frozen=True, kw_only=True)
class NotesState:
    """Texts by name."""

    texts: dict[str, str | None]


class Notes(Thing[NotesState]):
    """Files below /etc/notes: the smallest thing with keys of its own."""

    name = "notes"
    stubborn = False

    def parse(self, value: Json) -> NotesState:
        """From {"name": "text"}."""
        assert isinstance(value, dict)
        return NotesState(texts={key: None if one == ABSENT else str(one) for key, one in value.items()})

    def render(self, state: NotesState) -> Json:
        """To {"name": "text"}."""
        return {key: ABSENT if one is None else one for key, one in state.texts.items()}

    def questions(self, managed: NotesState) -> Sequence[Argv]:
        """One cat for each."""
        return [("cat", f"/etc/notes/{key}") for key in managed.texts]

    def observe(self, site: Site, managed: NotesState) -> NotesState:
        """What the files hold."""
        answers = site.host.ask(list(self.questions(managed)))
        pairs = zip(managed.texts, answers, strict=True)
        return NotesState(texts={key: answer.text if answer.ok else None for key, answer in pairs})

    def plan(self, current: NotesState, desired: NotesState) -> list[Change]:
        """One change for each text."""
        return [
            Change(field=key, was=current.texts.get(key), now=text)
            for key, text in desired.texts.items()
            if current.texts.get(key) != text
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: NotesState) -> None:
        """Write the files."""
        site.journal.keep_files([f"/etc/notes/{change.field}" for change in changes])
        for change in changes:
            text = "stubborn" if self.stubborn else str(change.now)
            site.host.run(
                ["sh", "-c", 'mkdir -p /etc/notes; cat > "$1"', "x", f"/etc/notes/{change.field}"],
                stdin=text.encode(),
            )

    def remove(self, site: Site, managed: NotesState) -> None:
        """Restore them."""
        site.journal.restore_files([f"/etc/notes/{key}" for key in managed.texts])

    def minus(self, old: NotesState, new: NotesState) -> NotesState | None:
        """Those no longer listed."""
        gone = {key: text for key, text in old.texts.items() if key not in new.texts}
        return NotesState(texts=gone) if gone else None


class More(Notes):
    """Another thing of the same resource."""

    name = "more"


class Unread(Notes):
    """A thing whose changes are seen only when systemd has read them."""

    name = "unread"

    def apply(self, site: Site, changes: Sequence[Change], desired: NotesState) -> None:
        """Lay the texts beside their places."""
        site.systemd.changed()
        super().apply(site, [replace(one, field=f"{one.field}.unread") for one in changes], desired)


class Stubborn(Notes):
    """A thing whose changes do not hold."""

    stubborn = True


class Secret(Notes):
    """A secret thing."""

    secret = True


def kind(thing: Notes, name: str = "Notes") -> resource.Kind:
    """A resource of one thing."""
    return resource.Kind(name=name, things=(thing,))


def site(host: Host) -> Site:
    """The machine alone."""
    return Site(host=host, journal=Journal(host), rack=None)  # type: ignore[arg-type]


def text(host: Host, path: str) -> str:
    """What a file holds, "" where there is none."""
    return host.run(["cat", path], check=False).text


def test_an_update_gives_back_what_is_no_longer_managed(local_host: LocalHost) -> None:
    """b stays as it becomes, a is as it was: absent."""
    here = site(local_host)
    resource.converge(kind(Notes()), here, {}, {"notes": {"a": "1", "b": "1"}})
    resource.converge(kind(Notes()), here, {"notes": {"a": "1", "b": "1"}}, {"notes": {"b": "2"}})
    assert text(local_host, "/etc/notes/b") == "2"
    assert not local_host.run(["test", "-e", "/etc/notes/a"], check=False).ok


def test_nothing_is_written_when_nothing_differs(local_host: LocalHost) -> None:
    """The second converge runs no command at all, only questions."""
    wanted: dict[str, Json] = {"notes": {"a": "1"}}
    resource.converge(kind(Notes()), site(local_host), {}, wanted)
    resource.converge(kind(Notes()), site(CutHost(local_host, 0)), wanted, wanted)


READ = """#!/bin/sh
[ "$1" = daemon-reload ] && cd /etc/notes && echo read >> /etc/read || exit
for file in *.unread; do [ ! -e "$file" ] || mv "$file" "${file%.unread}"; done
"""
"""A systemctl whose daemon-reload makes what Unread did to be seen."""


def test_systemd_reads_once_for_several_things_and_before_they_are_looked_at(local_host: LocalHost) -> None:
    """Those that wait for it are verified when the others are done; where there is nothing to read, it does not."""
    local_host.run(
        ["sh", "-c", "cat > /usr/bin/systemctl; chmod 755 /usr/bin/systemctl"], stdin=READ.encode()
    )
    later = type("Later", (Unread,), {"name": "later"})
    three = resource.Kind(name="Notes", things=(Unread(), later(), Notes()))
    wanted: dict[str, Json] = {"unread": {"a": "1"}, "later": {"b": "2"}, "notes": {"c": "3"}}
    here = site(local_host)
    resource.converge(three, here, {}, wanted)
    assert [text(local_host, f"/etc/notes/{name}") for name in "abc"] == ["1", "2", "3"]
    resource.converge(three, here, wanted, {**wanted, "notes": {"c": "4"}})
    assert text(local_host, "/etc/read") == "read"


@pytest.mark.parametrize("cut", range(5))
def test_whatever_was_begun_is_given_back(local_host: LocalHost, cut: int) -> None:
    """A run that dies at any command leaves a record by which a removal restores the machine."""
    local_host.run(["sh", "-c", "mkdir -p /etc/notes; echo mine > /etc/notes/a"])
    wanted: dict[str, Json] = {"notes": {"a": "1", "b": "2"}}
    with contextlib.suppress(Cut):
        resource.converge(kind(Notes()), site(CutHost(local_host, cut)), {}, wanted)
    resource.remove(kind(Notes()), site(local_host), {})
    assert text(local_host, "/etc/notes/a") == "mine"
    assert not local_host.run(["test", "-e", "/etc/notes/b"], check=False).ok
    assert not local_host.run(["test", "-e", f"{RECORDS}/Notes"], check=False).ok


def test_what_a_later_resource_began_goes_first(local_host: LocalHost) -> None:
    """A create that failed has no state, so the removal of the resource before it gives its work back."""
    first, second = kind(Notes()), resource.Kind(name="More", things=(Stubborn(),))
    resource.converge(first, site(local_host), {}, {"notes": {"a": "1"}})
    with pytest.raises(StillDiffers):
        resource.converge(second, site(local_host), {}, {"notes": {"b": "2"}})
    resource.remove(first, site(local_host), {"notes": {"a": "1"}}, later=[second])
    assert not local_host.run(["test", "-e", "/etc/notes"], check=False).ok
    assert local_host.run(["ls", "-A", RECORDS]).text == ""


def test_a_living_machine_may_lose_what_is_optional(local_host: LocalHost) -> None:
    """What was made later stays, unless its create never came to its end; a failed update is no such create."""
    first = resource.Kind(name="Notes", things=(Notes(),), optional=True)
    second, third = kind(Notes(), "More"), kind(Stubborn(), "Most")
    resource.converge(first, site(local_host), {}, {"notes": {"a": "1"}})
    resource.converge(second, site(local_host), {}, {"notes": {"b": "2"}})
    with pytest.raises(StillDiffers):
        resource.converge(third, site(local_host), {}, {"notes": {"c": "3"}})
    with pytest.raises(StillDiffers):
        failing = kind(Stubborn(), "More")
        resource.converge(failing, site(local_host), {"notes": {"b": "2"}}, {"notes": {"b": "2", "d": "4"}})
    resource.remove(first, site(local_host), {"notes": {"a": "1"}}, later=[second, third])
    assert local_host.run(["ls", "-A", RECORDS]).text == "More"
    assert text(local_host, "/etc/notes/b") == "2"
    assert local_host.run(["ls", "-A", "/etc/notes"]).text.split() == ["b", "d"]


def test_a_change_that_does_not_hold_is_an_error(local_host: LocalHost) -> None:
    """The machine is asked again before success is claimed."""
    with pytest.raises(StillDiffers, match="expected '1', found 'stubborn'"):
        resource.converge(kind(Stubborn()), site(local_host), {}, {"notes": {"a": "1"}})


def test_a_change_is_looked_at_together_with_what_comes_next(local_host: LocalHost) -> None:
    """A round trip for all beforehand, then one for each thing that changed; notes make no answer old."""
    both = resource.Kind(name="Notes", things=(Notes(), More()))
    resource.converge(both, site(local_host), {}, {"notes": {"a": "1"}, "more": {"b": "2"}})
    assert local_host.batches == 3


def test_a_secret_is_not_in_the_record(local_host: LocalHost) -> None:
    """Its keys are, so that it can be removed."""
    resource.converge(kind(Secret()), site(local_host), {}, {"notes": {"a": "hunter2"}})
    recorded = text(local_host, f"{RECORDS}/Notes")
    assert json.loads(recorded) == [{"notes": {"a": ABSENT}}]


def test_the_machine_keeps_the_questions_of_its_resources(local_host: LocalHost) -> None:
    """So that the first read of a machine can answer for all of them in one round trip."""
    resource.converge(kind(Notes()), site(local_host), {}, {"notes": {"a": "1"}})
    asked = text(local_host, f"{QUESTIONS}/Notes")
    assert asked == listing([("cat", "/etc/notes/a"), ("cat", f"{RECORDS}/Notes")]).rstrip("\n")


def test_drift_keeps_every_managed_key(local_host: LocalHost) -> None:
    """What vanished is said to be absent, since Pulumi drops None."""
    wanted: dict[str, Json] = {"notes": {"a": "1", "b": "2"}}
    resource.converge(kind(Notes()), site(local_host), {}, wanted)
    local_host.run(["rm", "/etc/notes/a"])
    assert resource.observe(kind(Notes()), site(local_host), wanted) == {"notes": {"a": ABSENT, "b": "2"}}


class Shy(Notes):
    """A thing that cannot be seen at first."""

    name = "shy"

    def __init__(self, times: int) -> None:
        self._times = times

    def observe(self, site: Site, managed: NotesState) -> NotesState:
        """Raise, as many times as wanted."""
        if self._times:
            self._times -= 1
            raise Unobservable(host="h", item="i", expected="an answer", found="none", next_step="wait")
        return super().observe(site, managed)


def test_what_cannot_be_seen_keeps_its_value_and_hides_nothing_else(local_host: LocalHost) -> None:
    """A refresh shows the drift of the one and leaves the other as it was."""
    both = resource.Kind(name="Notes", things=(Notes(), Shy(1)))
    wanted: dict[str, Json] = {"notes": {"a": "1"}, "shy": {"b": "2"}}
    found = resource.observe(both, site(local_host), wanted)
    assert found == {"notes": {"a": ABSENT}, "shy": {"b": "2"}}


def test_a_change_waits_for_what_cannot_be_seen_yet(
    local_host: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API that the same run brings back is worth waiting for."""
    monkeypatch.setattr(resource, "POLL", 0.0)
    kind_of_two = resource.Kind(name="Notes", things=(Shy(2),))
    resource.converge(kind_of_two, site(local_host), {}, {"shy": {"b": "2"}})
    assert text(local_host, "/etc/notes/b") == "2"
