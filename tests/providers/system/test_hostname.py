"""The machine's name."""

from __future__ import annotations

import pytest

from providers.core.thing import ABSENT
from providers.system.hostname import Hostname, HostnameState, static_name
from tests.local_host import LocalHost
from tests.providers.life import cut_anywhere, live


def test_its_whole_life(local_host: LocalHost) -> None:
    """Both names are set, mended and given back."""
    drifted = live(Hostname(), local_host, "cp-1", "cp-2", ["echo x > /etc/hostname", "hostname y"], ["/etc"])
    assert drifted == ["static", "running"]
    assert local_host.run(["hostname"]).text == "raspberrypi"


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(local_host: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Hostname(), local_host, "cp-1", ["/etc"]) > 2


def test_a_machine_without_the_file_has_none_afterwards(local_host: LocalHost) -> None:
    """What was not there is not there again."""
    local_host.run(["rm", "/etc/hostname"])
    live(Hostname(), local_host, "cp-1", "cp-2", ["rm /etc/hostname"], ["/etc"])
    assert local_host.read("/etc/hostname") is None


def test_a_mounted_file_is_overwritten(local_host: LocalHost) -> None:
    """In a container /etc/hostname may be a mount, which cannot be replaced by another file."""
    local_host.write("/tmp/hostname", "raspberrypi\n")
    local_host.run(["mount", "--bind", "/tmp/hostname", "/etc/hostname"])
    live(Hostname(), local_host, "cp-1", "cp-2", ["echo x > /etc/hostname"], ["/etc"])
    assert local_host.read("/tmp/hostname") == "raspberrypi\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [("cp-1\n", "cp-1"), ("# a comment\n\n cp-1 \n", "cp-1"), ("", None), ("# only\n", None)],
)
def test_the_name_is_the_first_line_that_is_no_comment(text: str, name: str | None) -> None:
    """As hostname(5) has it."""
    assert static_name(text) == name


def test_two_names_are_shown_as_two() -> None:
    """A running name that differs is drift that the preview names."""
    state = HostnameState(static=None, running="raspberrypi")
    assert Hostname().render(state) == f"{ABSENT} (running as raspberrypi)"
    assert Hostname().parse(Hostname().render(state)) == state
