"""The SSH server's options, judged by the real sshd."""

from __future__ import annotations

import dataclasses

import pytest

from providers.access.sshd import DROP_IN, MAIN, PENDING, Sshd
from providers.core.errors import HostError, Refused
from providers.core.thing import Json
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"
INCLUDING = "Include /etc/ssh/sshd_config.d/*.conf\n#Port 22\nUsePAM yes\nMaxAuthTries 5\n"
PLAIN = "# an older system\nUsePAM yes\nMaxAuthTries 5\n"
PLACES = ("/etc/ssh", "/run/units/active")
WANTED: Json = {"PermitRootLogin": "prohibit-password", "PasswordAuthentication": "no", "MaxAuthTries": "3"}
OTHER: Json = {"PermitRootLogin": "yes", "LogLevel": "VERBOSE"}


@pytest.fixture(params=[INCLUDING, pytest.param(PLAIN, marks=pytest.mark.slow)], ids=["drop-in", "block"])
def machine(local_host: LocalHost, request: pytest.FixtureRequest) -> LocalHost:
    """A board that root logs in to by key; with and without an Include in sshd_config."""
    local_host.stand_in("systemctl")
    local_host.write("/usr/lib/systemd/system/ssh.service", "[Install]\n")
    local_host.run(["systemctl", "start", "ssh.service"])
    local_host.run(
        ["sh", "-c", "rm -rf /etc/ssh/sshd_config.d; ssh-keygen -A >/dev/null; mkdir -p /run/sshd"]
    )
    local_host.write(MAIN, request.param)
    local_host.write("/root/.ssh/authorized_keys", KEY)
    return local_host


def effective(machine: LocalHost) -> list[str]:
    """What takes effect."""
    return machine.run(["sshd", "-T"]).text.splitlines()


def test_its_whole_life(machine: LocalHost) -> None:
    """Set, overruled by somebody, mended, changed, and as it was to the last byte."""
    damage = [f"rm -f {DROP_IN}; sed -i '/MaxAuthTries 3/d' {MAIN}"]
    drifted = live(Sshd(), machine, WANTED, OTHER, damage, PLACES)
    assert "MaxAuthTries" in drifted


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Sshd(), machine, WANTED, PLACES) >= 1


def test_the_server_takes_them(machine: LocalHost) -> None:
    """By its own word, and over what stands further down."""
    converge(Sshd(), machine, None, WANTED)
    assert {"permitrootlogin without-password", "passwordauthentication no", "maxauthtries 3"} <= set(
        effective(machine)
    )


def test_a_reload_that_a_killed_run_left_is_done(machine: LocalHost) -> None:
    """Right files are not enough."""
    converge(Sshd(), machine, None, WANTED)
    machine.write(PENDING, "")
    assert converge(Sshd(), machine, WANTED, WANTED) == ["reload"]


@pytest.mark.parametrize(
    ("wanted", "prepare", "reason"),
    [
        ({"PermitRootLogin": "no"}, "true", "root may not log in"),
        (
            {"PubkeyAuthentication": "no", "PasswordAuthentication": "no"},
            "true",
            "root has no key that counts",
        ),
        ({"PasswordAuthentication": "no"}, ": > /root/.ssh/authorized_keys", "no key that counts"),
    ],
)
def test_we_are_never_locked_out(machine: LocalHost, wanted: Json, prepare: str, reason: str) -> None:
    """Judged by all of sshd's files; nothing is written."""
    machine.run(["sh", "-c", prepare])
    before = machine.tree(*PLACES)
    with pytest.raises(Refused, match=rf"sshd: .*{reason}.*correct `sshd`"):
        converge(Sshd(), machine, None, wanted)
    assert machine.tree(*PLACES) == before
    assert machine.read(PENDING) is None


def test_passwords_stay_for_who_comes_by_one(machine: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where there is a key: it may not be ours."""
    monkeypatch.setenv("HELICON_SSH_PASSWORD", "hush")
    wanted: Json = {"PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no"}
    with pytest.raises(Refused, match=r"root logs in by one.*no HELICON_SSH_PASSWORD") as error:
        converge(Sshd(), machine, None, wanted)
    assert "hush" not in str(error.value)


def test_a_value_that_sshd_refuses_is_taken_back(machine: LocalHost) -> None:
    """With its own words."""
    before = machine.tree(*PLACES)
    with pytest.raises(HostError, match=r"sshd: .*sshd -t.*MaxAuthTries|integer"):
        converge(Sshd(), machine, None, {"MaxAuthTries": "many"})
    assert machine.tree(*PLACES) == before


def test_a_destroy_leaves_what_lets_us_in(machine: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is asked for."""
    before = machine.tree(*PLACES)
    converge(Sshd(), machine, None, WANTED)
    after = machine.tree(*PLACES)
    leaving = dataclasses.replace(site(machine), leaving=True)
    Sshd().remove(leaving, Sshd().parse(WANTED))
    assert machine.tree(*PLACES) == after
    monkeypatch.setenv("HELICON_GIVE_BACK", "all")
    Sshd().remove(leaving, Sshd().parse(WANTED))
    assert machine.tree(*PLACES) == before
