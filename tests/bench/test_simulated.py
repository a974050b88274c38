"""Simulated machines answer the program's own connections, and count what these cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.playback import Record, Reply
from bench.simulated import Simulated, plan, run
from bench.target import Fleet
from bench.wire import Proxy
from providers.core.errors import CommandFailed
from providers.ssh.connection import Connection
from providers.ssh.pool import Pool
from providers.ssh.ssh_host import SshHost
from tests.providers.ssh.sshd import free_port, make_key

ASK = ("echo", "hello")


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    """Three machines."""
    server = Simulated(Record(), plan(3, free_port()))
    yield server
    server.close()


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """A key that may log in."""
    make_key(tmp_path / "key")
    return tmp_path / "key"


@pytest.fixture
def pool() -> Iterator[Pool]:
    """The program's own connections."""
    made = Pool()
    yield made
    made.close()


def host(pool: Pool, simulated: Simulated, number: int, identity: Path) -> SshHost:
    """A simulated machine as the program reaches it."""
    one = simulated.machines[number].reached
    connection = Connection(
        address=one.address, port=one.port, host_key=one.host_key, identity_file=str(identity), deadline=5
    )
    return pool.host(one.name, connection)


async def shell(line: str, stdin: bytes) -> Reply:
    """This machine as the real one."""
    return await run(["sh", "-c", line], stdin)


def learn(simulated: Simulated, pool: Pool, identity: Path) -> None:
    """One question and one command, from this machine."""
    simulated.begin("x")
    simulated.machines[0].model = shell
    one = host(pool, simulated, 0, identity)
    assert one.ask([ASK])[0].text == "hello"
    one.run(["true"])
    simulated.begin("x")


def test_what_one_taught_the_others_say(simulated: Simulated, pool: Pool, identity: Path) -> None:
    """Over connections of their own, one each, a round trip for each command."""
    learn(simulated, pool, identity)
    for number in (1, 2):
        one = host(pool, simulated, number, identity)
        assert one.ask([ASK])[0].text == "hello"
        one.run(["true"])
    counts = [one.count for one in simulated.machines]
    assert [(one.connections, one.commands) for one in counts] == [(0, 0), (1, 2), (1, 2)]
    assert all(one.sent > 0 and one.received > 0 for one in counts[1:])
    assert simulated.unlearned == []


def test_what_nobody_learned_fails_and_is_named(simulated: Simulated, pool: Pool, identity: Path) -> None:
    """A run in which that happens is no result."""
    simulated.begin("x")
    with pytest.raises(CommandFailed, match="not learned"):
        host(pool, simulated, 1, identity).run(["reboot"])
    assert "reboot" in simulated.unlearned[0]


def test_a_proxy_counts_connections_turns_and_bytes(
    simulated: Simulated, pool: Pool, identity: Path, tmp_path: Path
) -> None:
    """More commands are more turns on the same connection."""
    learn(simulated, pool, identity)
    target = simulated.machines[1].reached
    proxy = Proxy([target])
    (near,) = Fleet.of(proxy.targets, identity, tmp_path).targets
    connection = Connection(
        address=near.address, port=near.port, host_key=near.host_key, identity_file=str(identity)
    )
    one = pool.host("near", connection)
    one.ask([ASK])
    before = proxy.traffic[target.name].turns
    one.run(["true"])
    traffic = proxy.traffic[target.name]
    proxy.close()
    assert traffic.connections == 1
    assert traffic.turns > before > 0
    assert traffic.sent > 0 and traffic.received > 0


def test_names_and_addresses_are_never_part_of_another() -> None:
    """Else one would be replaced inside the other; and all are of loopback."""
    machines = plan(500, 2222)
    assert len({len(one.name) for one in machines}) == len({len(one.own_address) for one in machines}) == 1
    assert len({one.address for one in machines}) == 500
    assert len({len(one.address) for one in machines}) == 1
    assert all(one.address.startswith("127.") for one in machines)
