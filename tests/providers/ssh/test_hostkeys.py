"""Which host keys are trusted, in files that OpenSSH's own tools read and write."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from providers.core.errors import HostKeyUnknown
from providers.ssh.connection import Connection
from providers.ssh.hostkeys import fingerprint, known_hosts_line, learn, recorded
from providers.ssh.known_hosts import trusted
from tests.providers.ssh.sshd import Sshd, make_key


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One public key of each kind that boards have."""
    where = tmp_path_factory.mktemp("keys")
    return {kind: make_key(where / kind, kind=kind) for kind in ("ed25519", "ecdsa", "rsa")}


def test_an_address_has_its_key(tmp_path: Path, keys: dict[str, str]) -> None:
    """Only the lines of that address count."""
    file = tmp_path / "known_hosts"
    other = known_hosts_line("10.0.0.6", 22, keys["rsa"])
    file.write_text(f"# a comment\n{other}{known_hosts_line('10.0.0.5', 22, keys['ed25519'])}")
    assert recorded(file, "10.0.0.5") == [keys["ed25519"]]


def test_a_port_has_its_own_entry(tmp_path: Path, keys: dict[str, str]) -> None:
    """[address]:port is another server than the address."""
    file = tmp_path / "known_hosts"
    plain, special = (
        known_hosts_line("10.0.0.5", *one) for one in ((22, keys["rsa"]), (2222, keys["ed25519"]))
    )
    file.write_text(plain + special)
    assert recorded(file, "10.0.0.5", 2222) == [keys["ed25519"]]
    assert recorded(file, "10.0.0.5") == [keys["rsa"]]


def test_hashed_entries_are_found(tmp_path: Path, keys: dict[str, str]) -> None:
    """As ssh-keygen -H makes them, which Debian's ssh does by default."""
    file = tmp_path / "known_hosts"
    file.write_text(
        known_hosts_line("board.example", 2222, keys["ecdsa"])
        + known_hosts_line("10.0.0.5", 22, keys["ed25519"])
    )
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    assert "board" not in file.read_text()
    assert recorded(file, "board.example", 2222) == [keys["ecdsa"]]
    assert recorded(file, "10.0.0.5") == [keys["ed25519"]]


@pytest.mark.parametrize(
    ("kind", "first"),
    [("rsa", "rsa-sha2-512"), ("ecdsa", "ecdsa-sha2-nistp256"), ("ed25519", "ssh-ed25519")],
)
def test_the_pinned_kind_is_asked_for_first(keys: dict[str, str], kind: str, first: str) -> None:
    """Else a machine with several keys shows another one, which looks like a changed key."""
    algorithms = trusted(Connection(address="a", host_key=keys[kind]), "cp-1 (a)").algorithms
    assert (algorithms[0], "ssh-rsa" in algorithms, len(algorithms)) == (first, False, 6)


def test_a_pinned_key_wins_over_the_file(tmp_path: Path, keys: dict[str, str]) -> None:
    """What the configuration says is not widened by a file."""
    file = tmp_path / "known_hosts"
    file.write_text(known_hosts_line("a", 22, keys["rsa"]))
    connection = Connection(address="a", host_key=keys["ed25519"], known_hosts=str(file))
    assert trusted(connection, "cp-1 (a)").lines == [keys["ed25519"]]


def test_no_file_means_that_nothing_is_known(tmp_path: Path) -> None:
    """The first contact with a rack has no file yet."""
    connection = Connection(address="a", known_hosts=str(tmp_path / "none"))
    assert trusted(connection, "cp-1 (a)").lines == []
    assert recorded(tmp_path / "none", "a") == []


def test_a_file_that_is_no_known_hosts_is_named(tmp_path: Path) -> None:
    """With its path, and the command that reads it as OpenSSH does."""
    (tmp_path / "known").write_text("a ssh-ed25519 nonsense\n@marker-of-nobody x y z\n")
    connection = Connection(address="a", known_hosts=str(tmp_path / "known"))
    with pytest.raises(HostKeyUnknown, match=r"cp-1 \(a\): known hosts in .*ssh-keygen -l -f"):
        trusted(connection, "cp-1 (a)")


def test_a_revoked_key_is_not_trusted(tmp_path: Path, keys: dict[str, str]) -> None:
    """@revoked lines, and the authorities of signed host keys, are kept apart."""
    file = tmp_path / "known"
    file.write_text(f"@revoked a {keys['rsa']}\n@cert-authority a {keys['ecdsa']}\na {keys['ed25519']}\n")
    found = trusted(Connection(address="a", known_hosts=str(file)), "cp-1 (a)")
    assert (found.lines, len(found.revoked), len(found.authorities)) == ([keys["ed25519"]], 1, 1)
    assert found.algorithms[0] == "ssh-ed25519-cert-v01@openssh.com"


@pytest.mark.parametrize("line", ["ssh-ed25519", "ssh-ed25519 AAAA", "nonsense"])
def test_a_pin_that_is_no_key_is_named(line: str) -> None:
    """The error says what was given and where a key is found."""
    with pytest.raises(HostKeyUnknown, match=r"cp-1 \(a\): host_key: expected one public key.*ssh_host"):
        trusted(Connection(address="a", host_key=line), "cp-1 (a)")


def test_fingerprints_are_those_of_ssh_keygen(tmp_path: Path, keys: dict[str, str]) -> None:
    """What an error shows can be compared with what the machine's console shows."""
    file = tmp_path / "key.pub"
    file.write_text(keys["ed25519"] + "\n")
    shown = subprocess.run(["ssh-keygen", "-l", "-f", str(file)], check=True, capture_output=True, text=True)
    assert fingerprint(keys["ed25519"]) == shown.stdout.split()[1]


def test_a_learned_key_is_the_servers_own(tmp_path: Path) -> None:
    """What is learned and written is found again, by OpenSSH's tools too."""
    with Sshd(tmp_path) as server:
        learned = learn(server.connection(host_key="", identity_file=""))
    file = tmp_path / "known_hosts"
    file.write_text(known_hosts_line("127.0.0.1", server.port, learned))
    name = f"[127.0.0.1]:{server.port}"
    shown = subprocess.run(["ssh-keygen", "-F", name, "-f", str(file)], check=True, capture_output=True)
    assert learned == server.host_key and learned.encode() in shown.stdout
