"""The lab's keys and the known hosts."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

import pytest

from lab import places
from lab.boards import keys
from lab.boards.plan import Board, Lab
from lab.shell import run, text

LAB = Lab(name="keys")


@pytest.fixture(autouse=True)
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of its own for each test."""
    monkeypatch.setattr(places, "REPOSITORY", tmp_path)
    return tmp_path


def host_key(path: Path) -> str:
    """A new host key's public half."""
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)])
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def test_a_key_is_made_once_and_only_its_owner_reads_it() -> None:
    """Boards that are there keep accepting it."""
    keys.make(LAB)
    first = keys.public(LAB)
    keys.make(LAB)
    assert keys.public(LAB) == first
    assert stat.S_IMODE(keys.identity(LAB).stat().st_mode) == 0o600


def test_a_half_made_key_is_made_again() -> None:
    """An interruption can leave a private key without its public half."""
    keys.make(LAB)
    keys.identity(LAB).with_suffix(".pub").unlink()
    keys.make(LAB)
    derived = text(["ssh-keygen", "-y", "-f", str(keys.identity(LAB))])
    assert keys.public(LAB).split()[1] == derived.split()[1]


def test_two_clones_have_different_digests(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is how boards of another clone are told."""
    keys.make(LAB)
    mine = keys.digest(LAB)
    monkeypatch.setattr(places, "REPOSITORY", clone / "other")
    keys.make(LAB)
    assert keys.digest(LAB) != mine


def test_known_hosts_are_what_ssh_looks_up(tmp_path: Path) -> None:
    """ssh-keygen finds each address's own key in the file."""
    pinned = {"10.0.0.2": host_key(tmp_path / "b"), "10.0.0.10": host_key(tmp_path / "a")}
    keys.write_known_hosts(LAB, pinned)
    for address, key in pinned.items():
        found = text(["ssh-keygen", "-F", address, "-f", str(keys.known_hosts(LAB))])
        assert found.splitlines()[-1] == f"{address} {key}"


def test_known_hosts_are_replaced_as_a_whole(tmp_path: Path) -> None:
    """A board that was made anew leaves no former key behind."""
    keys.write_known_hosts(LAB, {"10.0.0.2": host_key(tmp_path / "a")})
    former = keys.known_hosts(LAB).read_text()
    keys.write_known_hosts(LAB, {"10.0.0.2": host_key(tmp_path / "b")})
    now = keys.known_hosts(LAB).read_text()
    assert now != former
    assert len(now.splitlines()) == 1


def test_the_archive_holds_one_key_with_strict_permissions() -> None:
    """sshd refuses keys that others can write."""
    with tarfile.open(fileobj=io.BytesIO(keys.archive("ssh-ed25519 AAAA x\n"))) as tar:
        found = {entry.name: (entry.mode, entry.uid, entry.gid, entry.isdir()) for entry in tar}
        file = tar.extractfile(".ssh/authorized_keys")
        assert file is not None
        assert file.read() == b"ssh-ed25519 AAAA x\n"
    assert found == {".ssh": (0o700, 1000, 1000, True), ".ssh/authorized_keys": (0o600, 1000, 1000, False)}


def test_ssh_checks_the_host_key_and_never_asks() -> None:
    """Options that make a changed key an error."""
    line = keys.ssh(Board(lab=LAB, name="w-1"), "true")
    assert line[-2:] == ["pi@10.123.0.31", "true"]
    assert "StrictHostKeyChecking=yes" in line
    assert f"UserKnownHostsFile={keys.known_hosts(LAB)}" in line
