"""Users made, changed and given back with the system's own tools."""

from __future__ import annotations

import pytest

from providers.access.users import Users
from providers.core.errors import HostError
from providers.core.thing import Json
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site

ONE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ann@desk"
TWO = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFaNyVBr8dTYBTFZBBQ2sB4tpfw1fIYxyHbPnhyzNQ4u ann@lap"
PLACES = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/sudoers.d", "/home")


def user(**more: Json) -> Json:
    """A user's property."""
    return {"exists": True, "shell": "/bin/sh", "groups": ["users"], "keys": [ONE], **more}


@pytest.fixture
def machine(local_host: LocalHost) -> LocalHost:
    """A board with a user of its own, and sudo's checker."""
    local_host.stand_in("visudo")
    local_host.run(["mkdir", "-p", "/etc/sudoers.d"])
    local_host.run(["useradd", "-m", "-s", "/bin/bash", "bob"])
    local_host.write("/home/bob/.ssh/authorized_keys", f"# mine\n{TWO}\n", "0644")
    local_host.run(["chown", "-R", "bob:bob", "/home/bob/.ssh"])
    local_host.run(["chage", "-M", "90", "bob"])
    return local_host


def test_the_whole_life_of_users(machine: LocalHost) -> None:
    """One that is made and one that was there: changed, damaged, mended, given back to the last byte."""
    extra: Json = {"exists": True, "groups": ["users"], "keys": [ONE], "sudo": "password", "expiry": "never"}
    first: Json = {"ann": user(sudo="passwordless"), "bob": extra}
    second: Json = {"ann": user(keys=[ONE, TWO]), "bob": user(expiry="never")}
    damage = [
        "usermod -s /bin/bash ann",
        "gpasswd -d bob users",
        "echo > /home/bob/.ssh/authorized_keys",
        "echo 'bob ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/helicon-bob",
        "chage -M 7 bob",
        "rm -r /home/ann/.ssh",
    ]
    machine.run(["sh", "-c", "echo > /home/bob/.ssh/authorized_keys"])
    drifted = live(Users(), machine, first, second, damage, PLACES)
    assert drifted == ["ann.shell", "ann.keys", "bob.groups", "bob.keys", "bob.sudo", "bob.expiry"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    wanted: Json = {"ann": user(sudo="password", expiry="never"), "bob": user(sudo="passwordless")}
    assert cut_anywhere(Users(), machine, wanted, PLACES) > 2


def test_keys_that_were_there_stay(machine: LocalHost) -> None:
    """Ours are added below them and only ours go, with the file's mode and owner kept."""
    before = machine.tree("/home/bob")
    converge(Users(), machine, None, {"bob": user(keys=[ONE, TWO])})
    assert machine.read("/home/bob/.ssh/authorized_keys") == f"# mine\n{TWO}\n{ONE}\n"
    Users().remove(site(machine), Users().parse({"bob": user(keys=[ONE, TWO])}))
    assert machine.tree("/home/bob") == before


def test_a_key_is_the_same_with_another_comment(machine: LocalHost) -> None:
    """Options before and words after it do not matter; a key that is commented out is not there."""
    other = f'from="10.0.0.0/8" {TWO.rsplit(" ", 1)[0]} other\n# {ONE}\n'
    machine.run(["tee", "/home/bob/.ssh/authorized_keys"], stdin=other.encode())
    wanted: Json = {"bob": {"exists": True, "keys": [TWO]}}
    assert converge(Users(), machine, None, wanted) == []
    assert converge(Users(), machine, None, {"bob": {"exists": True, "keys": [ONE]}}) == ["bob.keys"]


def test_the_user_that_lets_us_in_stays(machine: LocalHost) -> None:
    """Nothing is taken from it, neither by a removal nor by a shorter list."""
    wanted: Json = {"root": user()}
    converge(Users(), machine, None, wanted)
    tree = machine.tree(*PLACES, "/root/.ssh")
    converge(Users(), machine, wanted, {"root": user(keys=[], groups=[])})
    Users().remove(site(machine), Users().parse(wanted))
    assert machine.tree(*PLACES, "/root/.ssh") == tree


def test_a_home_with_work_in_it_stays(machine: LocalHost) -> None:
    """The account goes, the files do not."""
    converge(Users(), machine, None, {"ann": user()})
    machine.write("/home/ann/thesis.txt", "work")
    Users().remove(site(machine), Users().parse({"ann": user()}))
    assert not machine.run(["getent", "passwd", "ann"], check=False).ok
    assert machine.read("/home/ann/thesis.txt") == "work"


def test_a_home_that_was_there_is_not_ours(machine: LocalHost) -> None:
    """Even an empty one."""
    machine.run(["mkdir", "/home/ann"])
    converge(Users(), machine, None, {"ann": user(keys=[])})
    Users().remove(site(machine), Users().parse({"ann": user(keys=[])}))
    assert machine.run(["test", "-d", "/home/ann"], check=False).ok


def test_a_shorter_list_takes_only_what_left_it(machine: LocalHost) -> None:
    """One key of two, and the rule of sudo."""
    old: Json = {"bob": user(keys=[ONE, TWO], sudo="password")}
    converge(Users(), machine, None, old)
    converge(Users(), machine, old, {"bob": user(keys=[TWO])})
    assert machine.read("/home/bob/.ssh/authorized_keys") == f"# mine\n{TWO}\n"
    assert machine.read("/etc/sudoers.d/helicon-bob") is None


def test_a_group_that_does_not_exist_is_said(machine: LocalHost) -> None:
    """With the tool's own words and the place in the stack file."""
    with pytest.raises(HostError, match=r"user bob: .*group 'no-such' does not exist.*users\.bob"):
        converge(Users(), machine, None, {"bob": user(groups=["no-such"])})


def test_a_rule_of_sudo_is_checked_before_it_counts(machine: LocalHost) -> None:
    """A broken file below /etc/sudoers.d would take sudo from everyone."""
    machine.write("/usr/local/sbin/visudo", "#!/bin/sh\necho 'parse error' >&2; exit 1\n", "0755")
    with pytest.raises(HostError, match="parse error"):
        converge(Users(), machine, None, {"bob": user(sudo="password")})
    assert machine.run(["ls", "/etc/sudoers.d"]).text == ""
