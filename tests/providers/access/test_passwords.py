"""Password hashes on a throwaway machine, with its own shadow file."""

from __future__ import annotations

import dataclasses

import pytest

from providers.access.passwords import Passwords
from providers.core.errors import HostError
from providers.core.journal import ROOT
from providers.core.thing import Json
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site

ONE = "$6$helicon$QqWqVTtMFXM6Ps3fTmOZdVhnqTTWQPTDoMlh4NgpBjWDSCdkKEr1pkaS.3Ve6i8yHQPzVSTCDVJmwFRmvAXfy/"
TWO = "$6$helicon$6VzmSn9Q4U6jq3h1ppXzuEvHyGqtyXwjKzQeX3kiDvu9PnIgGbxMhZJq3dEXIyNfFCLAYZ5MwXKCLyfKB5MGF1"
PLACES = ("/etc/passwd", "/etc/shadow")


@pytest.fixture
def machine(local_host: LocalHost) -> LocalHost:
    """A board whose root has a password, and whose user may log in without one."""
    local_host.run(["useradd", "bob"])
    local_host.run(["passwd", "-q", "-d", "bob"])
    local_host.run(["chpasswd", "-e"], stdin=b"root:$6$old$old\n")
    local_host.run(["chage", "-d", "2020-01-01", "root"])
    return local_host


def test_its_whole_life(machine: LocalHost) -> None:
    """Set, changed by somebody, mended, another one, and as it was with the day of its last change."""
    both: Json = {"root": ONE, "bob": ONE}
    damage = ["echo 'root:$6$other$x' | chpasswd -e"]
    assert live(Passwords(), machine, both, {"root": TWO}, damage, PLACES) == ["root"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Passwords(), machine, {"root": ONE, "bob": TWO}, PLACES) >= 1


def test_no_hash_is_ever_an_argument(machine: LocalHost) -> None:
    """Neither of what is set nor of what was there."""
    converge(Passwords(), machine, None, {"root": ONE})
    Passwords().remove(site(machine), Passwords().parse({"root": ONE}))
    words = [word for argv in machine.ran[4:] for word in argv]
    assert not [word for word in words if "$6$" in word]


def test_a_destroy_leaves_what_may_let_you_in(machine: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is asked for the machine by name."""
    before = machine.tree(*PLACES)
    converge(Passwords(), machine, None, {"root": ONE})
    after = machine.tree(*PLACES)
    leaving = dataclasses.replace(site(machine), leaving=True)
    Passwords().remove(leaving, Passwords().parse({"root": ONE}))
    assert machine.tree(*PLACES) == after
    monkeypatch.setenv("HELICON_GIVE_BACK", "w-1, cp-1")
    Passwords().remove(leaving, Passwords().parse({"root": ONE}))
    assert machine.tree(*PLACES) == before
    assert [line for line in machine.tree(ROOT) if line.startswith("f")] == []


def test_an_unknown_user_is_said_without_the_hash(machine: LocalHost) -> None:
    """And what to type."""
    with pytest.raises(HostError, match=r"password of nobody-here: .*openssl passwd -6") as error:
        converge(Passwords(), machine, None, {"nobody-here": ONE})
    assert ONE not in str(error.value)
