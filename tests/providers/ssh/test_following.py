"""A machine with a configured address and a former one, on real servers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from providers.core.errors import HostKeyChanged, Unreachable
from providers.ssh.connection import Connection
from providers.ssh.following import FollowingHost, keep_key, with_known_key
from providers.ssh.known_hosts import known_hosts_line, recorded
from providers.ssh.pool import Pool
from tests.providers.ssh.sshd import Sshd, free_port, make_key


def following(pool: Pool, current: Connection, former: Connection, moved: list[str]) -> FollowingHost:
    """The machine behind both connections; a moved one is noted."""
    now, before = pool.host("cp-1", current), pool.host("cp-1", former)
    return FollowingHost(now, before, 1.0, lambda: moved.append(current.address))


def test_a_machine_that_has_not_moved_yet(pool: Pool, server: Sshd) -> None:
    """Nothing answers where it shall be: the former connection serves, until we are told to find it there."""
    moved: list[str] = []
    dead = replace(server.connection(), port=free_port())
    host = following(pool, dead, server.connection(), moved)
    assert host.ask([("echo", "here")])[0].text == "here"
    assert host.run(["echo", "still"]).text == "still"
    with pytest.raises(Unreachable):
        host.reconnect(0.1)
    assert host.run(["echo", "back"]).text == "back"
    assert moved == []


def test_a_machine_that_has_moved(pool: Pool, server: Sshd) -> None:
    """The configured connection comes first."""
    moved: list[str] = []
    current = server.connection()
    host = following(pool, current, replace(current, port=free_port()), moved)
    assert host.run(["echo", "here"]).text == "here"
    host.reconnect(5)
    assert host.run(["echo", "again"]).text == "again"
    assert moved == [current.address, current.address]


def test_a_machine_that_is_nowhere(pool: Pool, server: Sshd) -> None:
    """The error names the configured address."""
    dead = replace(server.connection(), port=free_port())
    host = following(pool, dead, replace(dead, port=free_port()), [])
    with pytest.raises(Unreachable, match=f":{dead.port}"):
        host.run(["true"])


def test_another_machine_at_the_new_address_is_not_ours(pool: Pool, server: Sshd, tmp_path: Path) -> None:
    """It is known by the key that the machine had at its former address."""
    other = make_key(tmp_path / "other")
    current = replace(server.connection(), host_key=other)
    with pytest.raises(HostKeyChanged):
        following(pool, current, server.connection(), []).run(["true"])


def test_the_key_moves_with_the_machine(tmp_path: Path) -> None:
    """What known_hosts holds for the former address holds for the new one, and is written down once."""
    file, key = tmp_path / "known_hosts", make_key(tmp_path / "key")
    file.write_text(known_hosts_line("10.0.0.9", 22, key))
    former = Connection(address="10.0.0.9", known_hosts=str(file))
    current = replace(former, address="10.0.0.21")
    trusting = with_known_key(current, former)
    assert trusting.host_key == key
    for _ in range(2):
        keep_key(current, trusting)
    assert file.read_text().count("10.0.0.21") == 1
    assert recorded(file, "10.0.0.21") == [key]
    assert with_known_key(current, former) == current


def test_an_unknown_machine_stays_unknown(tmp_path: Path) -> None:
    """Nothing is trusted that was not trusted before, and a pinned key is not replaced."""
    former = Connection(address="10.0.0.9", known_hosts=str(tmp_path / "none"))
    current = replace(former, address="10.0.0.21")
    assert with_known_key(current, former) == current
    pinned = replace(current, host_key="ssh-ed25519 AAAA")
    assert with_known_key(pinned, former) == pinned
    keep_key(current, current)
    assert not (tmp_path / "none").exists()
