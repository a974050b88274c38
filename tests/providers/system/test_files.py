"""The user's own files."""

from __future__ import annotations

import pytest

from providers.core.thing import Change, Json
from providers.system.files import Files
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site

MOTD: Json = {
    "/etc/motd": {"content": "one\n", "mode": "0644", "owner": "root", "group": "root"},
    "/etc/rack/deep/it's here": {"content": "$HOME `x`", "mode": "0600", "owner": "1234", "group": "daemon"},
}
LESS: Json = {"/etc/motd": {"content": "two\n", "mode": "0640", "owner": "root", "group": "adm"}}


def test_its_whole_life(local_host: LocalHost) -> None:
    """Contents, modes and owners are set, mended, given back; directories that were made go again."""
    damage = ["echo x > /etc/motd", "chmod 777 /etc/motd", "rm -r /etc/rack"]
    drifted = live(Files(), local_host, MOTD, LESS, damage, ["/etc"])
    assert drifted == ["/etc/motd.content", "/etc/motd.mode", "/etc/rack/deep/it's here"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(local_host: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Files(), local_host, MOTD, ["/etc"]) == 2


def test_a_mode_is_mended_without_writing_the_content(local_host: LocalHost) -> None:
    """A program that holds the file open keeps it."""
    converge(Files(), local_host, None, LESS)
    number = local_host.run(["stat", "-c", "%i", "/etc/motd"]).text
    local_host.run(["sh", "-c", "chmod 600 /etc/motd; chown 1:1 /etc/motd"])
    fields = converge(Files(), local_host, LESS, LESS)
    assert fields == ["/etc/motd.group", "/etc/motd.mode", "/etc/motd.owner"]
    assert local_host.run(["stat", "-c", "%i", "/etc/motd"]).text == number


@pytest.mark.parametrize("size", [65_535, 65_536, 400_000])
def test_large_files_are_compared_by_digest(local_host: LocalHost, size: int) -> None:
    """Whatever the size, the same is the same, and a change of the last byte is one."""
    wanted: Json = {"/etc/large": {"content": "x" * size}}
    converge(Files(), local_host, None, wanted)
    assert local_host.read("/etc/large") == "x" * size
    assert converge(Files(), local_host, wanted, wanted) == []
    local_host.run(["sh", "-c", "truncate -s -1 /etc/large; printf y >> /etc/large"])
    assert converge(Files(), local_host, wanted, wanted) == ["/etc/large.content"]


def test_what_is_no_text_is_shown_as_a_digest(local_host: LocalHost) -> None:
    """A preview is for reading."""
    local_host.run(["sh", "-c", "printf '\\377\\0' > /etc/motd"])
    (change,) = _plan(local_host, {"/etc/motd": {"content": "text"}})
    assert str(change.was).startswith("sha256:")


def test_a_directory_in_the_way_is_named(local_host: LocalHost) -> None:
    """It is not taken for a missing file."""
    local_host.run(["mkdir", "-p", "-m", "0644", "/etc/here"])
    (change,) = _plan(local_host, {"/etc/here": {"content": "text"}})
    assert (change.field, change.was) == ("/etc/here.content", "(directory)")


def test_a_link_is_followed_when_read_and_replaced_when_written(local_host: LocalHost) -> None:
    """Its target belongs to somebody else; afterwards the link is back."""
    local_host.write("/etc/target", "theirs")
    local_host.run(["ln", "-s", "target", "/etc/link"])
    wanted: Json = {"/etc/link": {"content": "theirs"}}
    assert converge(Files(), local_host, None, wanted) == []
    live(
        Files(), local_host, {"/etc/link": {"content": "a"}}, {"/etc/link": {"content": "b"}}, [":"], ["/etc"]
    )
    assert local_host.read("/etc/target") == "theirs"


def _plan(host: LocalHost, wanted: Json) -> list[Change]:
    desired = Files().parse(wanted)
    return Files().plan(Files().observe(site(host), desired), desired)


def test_several_files_are_written_at_once(local_host: LocalHost) -> None:
    """Each gets its own part of the input, to the byte: nothing, more than ASCII, no end of line."""
    texts = {"/etc/a": "", "/etc/b": "é€\n", "/etc/new/c": "x" * 100_000, "/etc/d": "end"}
    before = len(local_host.ran)
    converge(Files(), local_host, None, {path: {"content": text} for path, text in texts.items()})
    assert {path: local_host.read(path) for path in texts} == texts
    assert len(local_host.ran[before:]) == 2 + len(texts)  # kept, written; read here
