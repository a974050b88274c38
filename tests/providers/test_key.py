"""A key for boards that only know a password, against a real OpenSSH server on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest
import yaml

from config import load_file
from providers import key
from providers.ssh.environment import SSH_PASSWORD
from tests.config.injections import sound
from tests.providers.ssh.sshd import PASSWORD, Sshd, free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Sshd]:
    """A server that looks for keys where boards do, and has none yet."""
    with Sshd(tmp_path, f"AuthorizedKeysFile {tmp_path}/.ssh/authorized_keys") as server:
        yield server


@pytest.fixture
def stack(board: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack file whose machines are all that board, one of them switched off."""
    raw = sound()
    for machines in (raw["load_balancers"], raw["nodes"]):
        for machine in machines.values():
            machine["connection"] = {"address": "127.0.0.1", "port": board.port, "host_key": board.host_key}
    raw["nodes"]["w-2"]["connection"] |= {"port": free_port(), "deadline": 1}
    raw["defaults"]["connection"]["identity_file"] = str(tmp_path / "keys" / "id")
    config = {"config": {f"helicon:{name}": value for name, value in raw.items()}}
    (tmp_path / "Pulumi.test.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(SSH_PASSWORD, raising=False)
    return tmp_path


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """Private to its owner; a second run, also without the public half, finds the same."""
    path = tmp_path / "new" / "id"
    line, new = key.make_key(path, "helicon test")
    assert new and line.startswith("ssh-ed25519 ") and line.endswith("helicon test")
    assert path.stat().st_mode & 0o777 == 0o600
    assert key.make_key(path, "x") == (line, False)
    (tmp_path / "new" / "id.pub").unlink()
    assert key.make_key(path, "x")[0].split()[:2] == line.split()[:2]


def test_a_passphrase_from_the_environment_protects_a_new_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file opens with it and not without."""
    monkeypatch.setenv("HELICON_KEY_PASSPHRASE", "long enough")
    key.make_key(tmp_path / "id", "x")
    with pytest.raises(asyncssh.KeyImportError):
        asyncssh.read_private_key(tmp_path / "id")
    assert asyncssh.read_private_key(tmp_path / "id", "long enough")


def test_a_password_is_needed_once(
    stack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key gets in by the password, and works alone from then on."""
    monkeypatch.setenv(SSH_PASSWORD, PASSWORD)
    assert key.main("test") == 1
    said = capsys.readouterr().out
    assert [line.split()[2] for line in said.splitlines()[1:]].count("failed") == 1
    assert PASSWORD not in said
    public = (stack / "keys" / "id.pub").read_text()
    assert public in (stack / ".ssh" / "authorized_keys").read_text().splitlines(keepends=True)
    assert SSH_PASSWORD not in os.environ
    key.main("test")
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[2] for line in lines] == ["present"] * 5 + ["failed"]


def test_without_a_password_the_refusal_is_named(stack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is asked where there is no terminal."""
    assert key.main("test") == 1
    said = capsys.readouterr().out
    assert said.count("failed") == 6
    assert not (stack / ".ssh").exists()


def test_other_keys_stay(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one whose line has no end; ours is added once."""
    monkeypatch.setenv(SSH_PASSWORD, PASSWORD)
    (stack / ".ssh").mkdir(mode=0o700)
    (stack / ".ssh" / "authorized_keys").write_text("ssh-ed25519 AAAA other")
    machine = load_file("Pulumi.test.yaml").machine("cp-1")
    path = machine.connection.identity_file
    keys = {path: key.make_key(Path(path), "x")[0]}
    assert key.distribute([machine], keys) == {"cp-1": (key.ADDED, None)}
    assert key.distribute([machine], keys) == {"cp-1": (key.PRESENT, None)}
    lines = (stack / ".ssh" / "authorized_keys").read_text().splitlines()
    assert lines == ["ssh-ed25519 AAAA other", keys[path]]
