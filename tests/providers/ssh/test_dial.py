"""Each way in which a connection fails is its own clear error; a real OpenSSH server where one is needed."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from providers.core.errors import (
    CredentialsMissing,
    CredentialsRefused,
    HostKeyChanged,
    HostKeyUnknown,
    NotSsh,
    Unreachable,
)
from providers.ssh.connection import Connection
from providers.ssh.failures import Failures, Witness
from providers.ssh.known_hosts import Trusted, fingerprint, known_hosts_line
from providers.ssh.pool import Pool
from tests.providers.ssh.sshd import PASSWORD, Sshd, answering, free_port, make_key

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server for all tests of this file."""
    with Sshd(tmp_path_factory.mktemp("sshd"), "MaxAuthTries 2") as server:
        yield server


def works(pool: Pool, connection: Connection) -> bool:
    """Whether a command runs over the connection, or the error that says why not."""
    return pool.host("cp-1", connection).run(["true"]).ok


def nobody_there(server: Sshd, **changes: object) -> Connection:
    """Settings for a machine that is tried once and briefly."""
    return server.connection(connect_timeout=1, deadline=0, **changes)


def test_a_port_that_refuses(pool: Pool, server: Sshd) -> None:
    """The machine is there and sshd is not."""
    with pytest.raises(
        Unreachable, match=r"cp-1 \(127.0.0.1\): .*found connection refused.*systemctl status ssh"
    ):
        works(pool, nobody_there(server, port=free_port()))


def test_a_name_that_is_not_resolved(pool: Pool, server: Sshd) -> None:
    """`.invalid` is never a name (RFC 6761)."""
    with pytest.raises(Unreachable, match=r"a name that is not resolved.*Next: getent hosts board\.invalid"):
        works(pool, nobody_there(server, address="board.invalid"))


def test_a_server_that_hangs(pool: Pool, server: Sshd) -> None:
    """It takes the connection and never says a word."""
    with (
        answering(b"", keep=True) as port,
        pytest.raises(Unreachable, match=r"says nothing within 1 s \(timed out\)"),
    ):
        works(pool, nobody_there(server, port=port))


def test_a_server_that_hangs_in_the_login(pool: Pool, server: Sshd) -> None:
    """Its greeting came, so address and port are right: another error than a silent one."""
    expected = r"SSH-2\.0-OpenSSH_9\.2, which did not finish the login within 1 s \(timed out\)"
    with answering(b"SSH-2.0-OpenSSH_9.2\r\n", keep=True) as port, pytest.raises(Unreachable, match=expected):
        works(pool, nobody_there(server, port=port))


def test_something_that_is_no_ssh_server(pool: Pool, server: Sshd) -> None:
    """Waiting will not make it one: not tried again."""
    with (
        answering(b"220 mail.example ESMTP\r\n") as port,
        pytest.raises(
            NotSsh, match=r"one that says '220 mail\.example ESMTP'.*correct address or port"
        ) as failed,
    ):
        works(pool, server.connection(port=port, deadline=60))
    assert "tried" not in str(failed.value)


@pytest.mark.parametrize("said", [b"", b"Exceeded MaxStartups\r\n"])
def test_a_server_that_is_too_busy_is_tried_again(pool: Pool, server: Sshd, said: bytes) -> None:
    """sshd turns connections away when many come at once."""
    with answering(said) as port, pytest.raises(Unreachable, match=r"closed before SSH began.*tried 2 times"):
        works(pool, server.connection(port=port, connect_timeout=1, deadline=1))


def test_an_unknown_host_key(pool: Pool, server: Sshd, tmp_path: Path) -> None:
    """Never trusted by itself: the key is shown, with the command that trusts it."""
    connection = server.connection(host_key="", known_hosts=str(tmp_path / "known_hosts.lab"))
    seen = fingerprint(server.host_key)
    with pytest.raises(HostKeyUnknown) as failed:
        works(pool, connection)
    assert f"the machine shows ssh-ed25519 {seen}" in str(failed.value)
    assert str(failed.value).endswith("make trust STACK=lab")


def test_a_changed_host_key(pool: Pool, server: Sshd, tmp_path: Path) -> None:
    """Both fingerprints are shown, and where the old one is pinned; not tried again."""
    other = make_key(tmp_path / "other")
    with pytest.raises(HostKeyChanged) as failed:
        works(pool, server.connection(host_key=other))
    text = str(failed.value)
    assert fingerprint(other) in text and fingerprint(server.host_key) in text and "host_key" in text


def test_a_changed_host_key_in_a_file(pool: Pool, server: Sshd, tmp_path: Path) -> None:
    """The next step is the line that forgets the old key; typed in, and the new key written, it works."""
    file = tmp_path / "known_hosts.lab"
    file.write_text(known_hosts_line("127.0.0.1", server.port, make_key(tmp_path / "other")))
    connection = server.connection(host_key="", known_hosts=str(file))
    with pytest.raises(HostKeyChanged) as failed:
        works(pool, connection)
    forget = f"ssh-keygen -R '[127.0.0.1]:{server.port}' -f {file}"
    assert forget in failed.value.next_step
    subprocess.run(["sh", "-c", forget], check=True, capture_output=True)
    with file.open("a") as known:
        known.write(known_hosts_line("127.0.0.1", server.port, pool.learn("cp-1", connection)))
    assert works(pool, connection)


def test_a_key_of_another_kind_is_a_changed_key(pool: Pool, server: Sshd, tmp_path: Path) -> None:
    """A machine that has no key of the pinned kind any more was installed anew."""
    pinned = make_key(tmp_path / "other", kind="ecdsa")
    with pytest.raises(HostKeyChanged, match=r"ecdsa-sha2-nistp256 .*found ssh-ed25519 "):
        works(pool, server.connection(host_key=pinned))


def test_the_pinned_one_of_several_keys_is_asked_for(pool: Pool, tmp_path: Path) -> None:
    """A machine with keys of all kinds shows the kind that is pinned."""
    more = make_key(tmp_path / "more", kind="rsa")
    with Sshd(tmp_path, f"HostKey {tmp_path}/more") as server:
        assert works(pool, server.connection(host_key=more))
        assert works(pool, server.connection())


def test_learning_shows_the_key_and_trusts_nothing(pool: Pool, server: Sshd) -> None:
    """Only on request; the key that is given back is the server's."""
    unknown = server.connection(host_key="", user="nobody", identity_file="")
    assert pool.learn("cp-1", unknown) == server.host_key
    with pytest.raises(HostKeyUnknown):
        works(pool, server.connection(host_key=""))


def test_learning_from_a_machine_that_is_off(pool: Pool, server: Sshd) -> None:
    """The error is that of any connection."""
    with pytest.raises(Unreachable, match="connection refused"):
        pool.learn("cp-1", nobody_there(server, port=free_port()))


@pytest.mark.parametrize("user", ["root", "nobody-of-this-name"])
def test_refused_credentials(pool: Pool, server: Sshd, tmp_path: Path, user: str) -> None:
    """Which user, which key from where; not tried again."""
    key = make_key(tmp_path / "key")
    connection = server.connection(identity_file=str(tmp_path / "key"), user=user, deadline=60)
    with pytest.raises(CredentialsRefused) as failed:
        works(pool, connection)
    text = str(failed.value)
    assert (
        f"login as {user}" in text
        and f"{fingerprint(key)} ({tmp_path}/key)" in text
        and "ssh-copy-id" in text
    )


def test_a_key_file_that_is_missing(pool: Pool, server: Sshd, tmp_path: Path) -> None:
    """Nothing is sent."""
    with pytest.raises(
        CredentialsMissing, match=r"the key file .*/none, found no such file\. Next: ssh-keygen"
    ):
        works(pool, server.connection(identity_file=str(tmp_path / "none")))


def test_a_key_file_that_is_a_directory(pool: Pool, server: Sshd, tmp_path: Path) -> None:
    """As one that may not be read: the system's reason is shown."""
    with pytest.raises(
        CredentialsMissing, match=r"a readable key file .* found Is a directory\. Next: ls -l"
    ):
        works(pool, server.connection(identity_file=str(tmp_path)))


def test_a_key_file_that_holds_no_key(pool: Pool, server: Sshd, tmp_path: Path) -> None:
    """For example the public half."""
    (tmp_path / "key").write_text(server.host_key)
    with pytest.raises(CredentialsMissing, match=r"a private key in .*/key.*ssh-keygen -y"):
        works(pool, server.connection(identity_file=str(tmp_path / "key")))


@pytest.fixture
def locked(server: Sshd, tmp_path: Path) -> Connection:
    """A connection whose key wants the passphrase `open sesame`, and would be accepted."""
    key = tmp_path / "locked"
    key.write_bytes(server.user_key.read_bytes())
    key.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", str(key)], check=True)
    return server.connection(identity_file=str(key))


def test_a_passphrase_that_is_not_given(pool: Pool, locked: Connection) -> None:
    """The error names the variables."""
    expected = (
        "expected a passphrase for the key file .*HELICON_KEY_PASSPHRASE or HELICON_KEY_PASSPHRASE_CP_1"
    )
    with pytest.raises(CredentialsMissing, match=expected):
        works(pool, locked)


def test_a_passphrase_that_is_wrong(pool: Pool, locked: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another error than none; the passphrase is not shown."""
    monkeypatch.setenv("HELICON_KEY_PASSPHRASE", "open barley")
    with pytest.raises(CredentialsMissing, match="one that does not open it") as failed:
        works(pool, locked)
    assert "barley" not in str(failed.value)


@pytest.mark.parametrize("variable", ["HELICON_KEY_PASSPHRASE", "HELICON_KEY_PASSPHRASE_CP_1"])
def test_a_passphrase_opens_the_key(
    pool: Pool, locked: Connection, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """For all machines, or for the one of this name."""
    monkeypatch.setenv(variable, "open sesame")
    assert works(pool, locked)


def test_a_password(pool: Pool, server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment only; a wrong one is refused, and not shown."""
    monkeypatch.setenv("HELICON_SSH_PASSWORD", PASSWORD)
    assert works(pool, server.connection(identity_file=""))
    monkeypatch.setenv("HELICON_SSH_PASSWORD", "barley")
    with pytest.raises(CredentialsRefused, match="refused: a password") as failed:
        works(pool, server.connection(identity_file="", deadline=4))
    assert "barley" not in str(failed.value)


def test_nothing_to_offer(pool: Pool, server: Sshd) -> None:
    """No key, no agent, no password."""
    with pytest.raises(CredentialsMissing, match="set identity_file or HELICON_SSH_PASSWORD"):
        works(pool, server.connection(identity_file=""))


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent without keys."""
    sock = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    while not sock.exists():
        assert process.poll() is None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
    yield
    process.terminate()
    process.wait(10)


@pytest.mark.usefixtures("agent")
def test_the_key_of_an_agent(pool: Pool, server: Sshd, locked: Connection) -> None:
    """Used by itself, and in place of a key file that is locked."""
    subprocess.run(["ssh-add", "-q", str(server.user_key)], check=True, capture_output=True)
    assert works(pool, server.connection(identity_file="", agent=True))
    assert works(pool, Connection(**{**vars(locked), "agent": True}))


@pytest.mark.usefixtures("agent")
def test_an_agent_without_keys(pool: Pool, server: Sshd) -> None:
    """There is nothing to offer."""
    with pytest.raises(CredentialsMissing, match="found none"):
        works(pool, server.connection(identity_file="", agent=True))


@pytest.mark.usefixtures("agent")
def test_an_agent_with_too_many_keys(pool: Pool, server: Sshd, tmp_path: Path) -> None:
    """sshd ends the login after MaxAuthTries: that is a refusal of credentials, and shown as one."""
    for n in range(4):
        make_key(tmp_path / str(n))
        subprocess.run(["ssh-add", "-q", str(tmp_path / str(n))], check=True, capture_output=True)
    with pytest.raises(CredentialsRefused, match=r"\(agent\), SHA256:.*\(agent\)"):
        works(pool, server.connection(identity_file="", agent=True))


@pytest.mark.parametrize(
    ("sock", "found"), [("", "SSH_AUTH_SOCK is not set"), ("/nowhere/agent", "No such file")]
)
def test_an_agent_that_is_missing(
    pool: Pool, server: Sshd, monkeypatch: pytest.MonkeyPatch, sock: str, found: str
) -> None:
    """It was asked for: a key file does not stand in for it silently."""
    monkeypatch.setenv("SSH_AUTH_SOCK", sock)
    with pytest.raises(CredentialsMissing, match=f"expected an agent.*{found}.*ssh-add"):
        works(pool, server.connection(agent=True))


@pytest.mark.parametrize(
    ("error", "seen", "kind", "says"),
    [
        (
            OSError(errno.EHOSTUNREACH, "No route"),
            Witness(),
            Unreachable,
            "no route to host.*ip route get 10.0.0.9",
        ),
        (OSError(errno.ENETUNREACH, "unreachable"), Witness(), Unreachable, "no route to host"),
        (TimeoutError(), Witness(), Unreachable, r"no answer \(timed out\).*ping 10.0.0.9"),
        (TimeoutError(errno.ETIMEDOUT, "x"), Witness(), Unreachable, r"no answer \(timed out\)"),
        (
            asyncssh.ConnectionLost("lost"),
            Witness(banner="System is booting up. See pam_nologin(8)"),
            Unreachable,
            "booting or shutting down",
        ),
        (
            asyncssh.KeyExchangeFailed("No matching cipher"),
            Witness(),
            NotSsh,
            "protocol in common.*No matching",
        ),
    ],
)
def test_what_loopback_cannot_show(error: Exception, seen: Witness, kind: type[Exception], says: str) -> None:
    """Failures of other networks and of machines that boot."""
    failures = Failures(
        host="cp-1 (10.0.0.9)", connection=Connection(address="10.0.0.9"), trusted=Trusted(pinned_in="")
    )
    with pytest.raises(kind, match=says):
        raise failures.of(error, seen)
