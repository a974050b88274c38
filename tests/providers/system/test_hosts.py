"""The block in /etc/hosts."""

from __future__ import annotations

import pytest

from providers.core.thing import Json
from providers.system.hosts import Hosts, parse_block, with_block
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site

ENDPOINT: Json = {"10.0.0.5": ["api.example", "api"], "10.0.0.11": ["cp-1"]}
LESS: Json = {"10.0.0.5": ["api.example"]}


def test_its_whole_life(local_host: LocalHost) -> None:
    """The block is made, mended, made smaller and taken out."""
    damage = ["sed -i s/api.example/wrong.example/ /etc/hosts"]
    assert live(Hosts(), local_host, ENDPOINT, LESS, damage, ["/etc"]) == ["10.0.0.5"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(local_host: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Hosts(), local_host, ENDPOINT, ["/etc"]) == 2


def test_the_other_lines_stay_to_the_last_byte(local_host: LocalHost) -> None:
    """Also with no line end at the end, and with a mode of its own."""
    before = "127.0.0.1 localhost # home\n\n10.1.1.1\tother"
    local_host.write("/etc/hosts", before, "0664")
    live(Hosts(), local_host, ENDPOINT, LESS, ["sed -i 1,3d /etc/hosts"], ["/etc"])  # its end is left
    converge(Hosts(), local_host, None, ENDPOINT)
    assert (local_host.read("/etc/hosts") or "").endswith(before)
    assert any(line == "f 664 0 0  /etc/hosts" for line in local_host.tree("/etc/hosts"))


def test_what_others_added_meanwhile_survives_the_removal(local_host: LocalHost) -> None:
    """Only the block goes."""
    converge(Hosts(), local_host, None, ENDPOINT)
    before = "127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n"
    local_host.run(["sh", "-c", "echo 10.9.9.9 theirs >> /etc/hosts"])
    Hosts().remove(site(local_host), Hosts().parse(ENDPOINT))
    assert local_host.read("/etc/hosts") == before + "10.9.9.9 theirs\n"


def test_a_machine_without_the_file_has_none_afterwards(local_host: LocalHost) -> None:
    """What was not there is not there again."""
    local_host.run(["rm", "/etc/hosts"])
    live(Hosts(), local_host, ENDPOINT, LESS, ["rm /etc/hosts"], ["/etc"])


def test_our_names_win(local_host: LocalHost) -> None:
    """A distribution's 127.0.1.1 line for the same name comes after ours."""
    local_host.write("/etc/hosts", "127.0.1.1 cp-1\n")
    converge(Hosts(), local_host, None, ENDPOINT)
    assert local_host.run(["getent", "hosts", "cp-1"]).text.split()[0] == "10.0.0.11"


def test_a_block_without_its_end_is_none() -> None:
    """A damaged block swallows no line of others."""
    text = with_block("127.0.0.1 localhost\n", {"10.0.0.5": ("api",)}).replace("# END helicon\n", "")
    assert parse_block(text) == {}
    assert "127.0.0.1 localhost" in with_block(text, {"10.0.0.5": ("api",)})
