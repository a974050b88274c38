"""The pooled connection: tried again, opened anew when it dropped, and through a bastion."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from providers.core.errors import (
    ConnectionDropped,
    CredentialsRefused,
    HostError,
    HostKeyChanged,
    HostKeyUnknown,
    NotSsh,
    Unreachable,
)
from providers.ssh.pool import Pool
from providers.ssh.ssh_host import SshHost
from tests.providers.ssh.sshd import Proxy, Sshd, free_port, make_key

pytestmark = pytest.mark.slow


def test_a_connection_that_drops_in_a_command(host: SshHost, server: Sshd) -> None:
    """Whether the command finished is unknown, and the error says so; the next one has a new connection."""
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(host.run, ["sh", "-c", "touch /var/lib/begun; sleep 5"])
        until = ["sh", "-c", "until [ -e /var/lib/begun ]; do sleep 0.02; done"]
        host.run(until, timeout=10)
        server.cut()
        with pytest.raises(
            ConnectionDropped, match=r"cp-1 .*dropped; whether the command finished is unknown"
        ):
            running.result()
    assert host.run(["echo", "on"]).text == "on"
    assert host.counters.opened == 2


def test_questions_are_asked_again_after_a_drop(host: SshHost, server: Sshd) -> None:
    """They change nothing, so that is safe; nobody notices."""
    wait = ("sh", "-c", "echo x >> /var/lib/count; sleep 0.7; cat /var/lib/count")
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(host.ask, [wait])
        host.run(["sh", "-c", "until [ -e /var/lib/count ]; do sleep 0.02; done"], timeout=10)
        server.cut()
        assert asked.result()[0].text == "x\nx"
    assert host.counters.opened == 2


def test_a_server_that_restarted_between_commands(host: SshHost, server: Sshd) -> None:
    """A reboot between two commands is no error."""
    host.run(["true"])
    server.stop()
    server.start()
    assert host.run(["echo", "on"]).text == "on"
    assert host.counters.opened == 2


def test_a_machine_that_comes_up_is_waited_for(host: SshHost, server: Sshd) -> None:
    """Until the deadline."""
    server.stop()
    timer = threading.Timer(1.0, server.start)
    timer.start()
    assert host.run(["echo", "on"]).text == "on"
    timer.join()


def test_impatience_is_over_with_its_block(pool: Pool, host: SshHost, server: Sshd) -> None:
    """Who is not waited for in a look at all machines is waited for when there is something to do."""
    server.stop()
    assert host.counters.opened == 0
    with pool.impatient(1), pytest.raises(Unreachable, match="tried once"):
        host.ask([("true",)])
    test_a_machine_that_comes_up_is_waited_for(host, server)


def test_a_machine_that_stays_away_is_waited_for_once(pool: Pool, server: Sshd) -> None:
    """Many resources of a machine that is off must not each wait to the deadline."""
    host = pool.host("cp-1", server.connection(port=free_port(), deadline=1))
    with ThreadPoolExecutor(5) as threads:
        waiting = [threads.submit(host.run, ["true"]) for _ in range(5)]
        found = {str(one.exception()) for one in waiting}
    assert len(found) == 1 and "tried 2 times" in found.pop()
    with pytest.raises(Unreachable, match="tried once"):
        host.run(["true"])


def test_a_silent_wire_counts_as_dropped(pool: Pool, server: Sshd) -> None:
    """A machine that lost its power sends nothing at all: the keepalive ends the wait."""
    proxy = Proxy(server.port)
    host = pool.host("cp-1", server.connection(port=proxy.port, keepalive=1, deadline=0))
    with ThreadPoolExecutor(1) as threads:
        host.run(["true"])
        running = threads.submit(host.run, ["sleep", "60"], timeout=90)
        while host.counters.round_trips < 2:
            time.sleep(0.01)
        proxy.silent.set()
        with pytest.raises(ConnectionDropped):
            running.result()
    proxy.close()


@pytest.fixture
def bastion(tmp_path: Path) -> Iterator[Sshd]:
    """A second server, the only way to the first."""
    (tmp_path / "bastion").mkdir()
    with Sshd(tmp_path / "bastion") as bastion:
        yield bastion


def test_machines_behind_a_bastion_share_its_connection(pool: Pool, server: Sshd, bastion: Sshd) -> None:
    """Each machine has a connection of its own, inside the one to the bastion."""
    beyond = server.connection(bastion=bastion.connection())
    hosts = [pool.host(f"worker-{n}", beyond) for n in range(10)]
    with ThreadPoolExecutor(10) as threads:
        assert all(threads.map(lambda one: one.run(["true"]).ok, hosts))
    assert [one.counters.opened for one in hosts] == [1] * 10
    assert pool.host("127.0.0.1", bastion.connection()).counters.opened == 1
    assert pool.learn("worker-0", beyond) == server.host_key


def test_a_bastion_that_restarted(pool: Pool, server: Sshd, bastion: Sshd) -> None:
    """Both connections are opened anew."""
    host = pool.host("cp-1", server.connection(bastion=bastion.connection()))
    host.run(["true"])
    bastion.stop()
    bastion.start()
    assert host.run(["echo", "on"]).text == "on"


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"port": None}, Unreachable, "connection refused"),
        ({"host_key": ""}, HostKeyUnknown, "host key"),
        ({"host_key": None}, HostKeyChanged, "host key"),
        ({"user": "nobody-of-this-name"}, CredentialsRefused, "login as nobody-of-this-name"),
    ],
)
def test_a_bastion_that_fails_is_named(
    pool: Pool,
    server: Sshd,
    bastion: Sshd,
    tmp_path: Path,
    changes: dict[str, object],
    kind: type[HostError],
    says: str,
) -> None:
    """The error is of the same kind as anywhere, and says that it is the bastion's."""
    other = {"port": free_port(), "host_key": make_key(tmp_path / "other")}
    wrong = {key: other[key] if value is None else value for key, value in changes.items()}
    way = bastion.connection(deadline=0, **wrong)
    with pytest.raises(kind, match=rf"cp-1 \(127.0.0.1\): bastion [a-z-]+@127.0.0.1:\d+: .*{says}"):
        pool.host("cp-1", server.connection(bastion=way)).run(["true"])


def test_a_machine_that_its_bastion_does_not_reach(pool: Pool, server: Sshd, bastion: Sshd) -> None:
    """The bastion is fine; the error says from where the machine was tried."""
    connection = server.connection(port=free_port(), deadline=5, bastion=bastion.connection())
    expected = r"connection refused, seen from the bastion root@.*tried \d+ times"
    with pytest.raises(Unreachable, match=expected):
        pool.host("cp-1", connection).run(["true"])


def test_a_bastion_that_forwards_nothing(pool: Pool, server: Sshd, tmp_path: Path) -> None:
    """Waiting would not help; the error names the setting."""
    (tmp_path / "closed").mkdir()
    closed = Sshd(tmp_path / "closed", "AllowTcpForwarding no")
    beyond = server.connection(deadline=60, bastion=closed.connection())
    with closed, pytest.raises(NotSsh, match="AllowTcpForwarding yes"):
        pool.host("cp-1", beyond).run(["true"])


def test_a_server_that_gives_no_session(pool: Pool, tmp_path: Path) -> None:
    """MaxSessions 0 is an error that names the setting, not a wait without end."""
    (tmp_path / "none").mkdir()
    server = Sshd(tmp_path / "none", "MaxSessions 0")
    with server, pytest.raises(NotSsh, match="set MaxSessions"):
        pool.host("cp-1", server.connection()).run(["true"])
