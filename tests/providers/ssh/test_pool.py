"""Machines over SSH, against a real OpenSSH server on loopback: commands, questions, uploads."""

from __future__ import annotations

import hashlib
import logging
import os
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from providers.core import batch
from providers.core.errors import CommandFailed, DiskFull, HostError, SudoRefused
from providers.core.host import Argv, Completed
from providers.core.journal import ROOT
from providers.ssh.pool import Pool
from providers.ssh.ssh_host import SshHost
from providers.ssh.upload import NEW, PIECE, receive, sha256_of
from tests.providers.ssh.sshd import PASSWORD, Sshd

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server for all tests of this file."""
    with Sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def running(pid: int) -> bool:
    """Whether a process still runs; one that only waits for its parent to take note does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    "words", [["a b", "c"], ["it's", '"'], ["$HOME", "`id`", ";"], ["", "two\nlines"], ["*", "~", "ä€"]]
)
def test_arguments_arrive_as_they_are(host: SshHost, words: list[str]) -> None:
    """A command is a list of arguments; no shell on the way takes them apart."""
    assert host.run(["printf", r"<%s>", *words]).stdout.decode() == "".join(f"<{one}>" for one in words)


def test_input_output_and_status_come_back(host: SshHost) -> None:
    """Without `check`, a status is an answer like any other."""
    done = host.run(["sh", "-c", "cat; echo no >&2; exit 3"], stdin=b"\x00\xff", check=False)
    assert (done.exit_status, done.stdout, done.stderr) == (3, b"\x00\xff", b"no\n")


def test_a_command_ended_by_a_signal_has_the_status_of_a_shell(host: SshHost) -> None:
    """128 and the number of the signal."""
    assert host.run(["sh", "-c", "kill -9 $$"], check=False).exit_status == 137


def test_a_failure_shows_the_last_ten_lines_and_logs_all(
    host: SshHost, caplog: pytest.LogCaptureFixture
) -> None:
    """The error fits a screen; the log has what it leaves out."""
    with caplog.at_level(logging.INFO, "helicon"), pytest.raises(CommandFailed) as failed:
        host.run(["sh", "-c", "for n in $(seq 11 31); do echo line$n >&2; done; exit 1"])
    text = str(failed.value)
    assert "line22" in text and "line31" in text and "line21" not in text
    assert text.startswith("cp-1 (127.0.0.1): ") and "Next: " in text
    assert "line11" in caplog.text


def test_a_secret_command_shows_nothing(host: SshHost, caplog: pytest.LogCaptureFixture) -> None:
    """Neither its input nor what it says of it."""
    with caplog.at_level(logging.DEBUG, "helicon"), pytest.raises(CommandFailed) as failed:
        host.run(["sh", "-c", "cat >&2; exit 1"], stdin=b"hush", secret=True)
    assert "hush" not in str(failed.value) + caplog.text


def test_known_secrets_are_struck_out(
    host: SshHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Passwords of ours, bootstrap tokens and private keys, wherever a command repeats them."""
    monkeypatch.setenv("HELICON_SUDO_PASSWORD_CP_1", "hush-hush")
    pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    with caplog.at_level(logging.DEBUG, "helicon"), pytest.raises(CommandFailed) as failed:
        host.run(
            ["sh", "-c", "cat >&2; exit 1"], stdin=f"hush-hush abcdef.0123456789abcdef {pem} seen".encode()
        )
    for text in (str(failed.value), caplog.text):
        assert "seen" in text
        assert not any(one in text for one in ("hush", "0123456789abcdef", "MIIE"))


def test_a_command_that_takes_too_long_is_ended(host: SshHost) -> None:
    """Here and on the machine, with everything that it started."""
    script = 'echo $$ > "$1"; sleep 300 & echo $! >> "$1"; wait'
    with pytest.raises(CommandFailed, match=r"timed out after 0\.5 s"):
        host.run(["sh", "-c", script, "slow", "/var/lib/pids"], timeout=0.5)
    for pid in host.run(["cat", "/var/lib/pids"]).text.split():
        assert not running(int(pid))


def test_a_question_that_hangs_takes_no_other_with_it(host: SshHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are asked once more, each with a limit; from then on the machine is known for slow."""
    monkeypatch.setattr(batch, "TOGETHER_SECONDS", 0.5)
    monkeypatch.setattr(batch, "QUESTION_SECONDS", 0.2)
    hung, answered = host.ask([("sleep", "60"), ("echo", "on")])
    assert (hung.exit_status, answered.text) == (batch.HUNG, "on")
    before = host.counters.round_trips
    assert host.ask([("sleep", "61")])[0].exit_status == batch.HUNG
    assert (before, host.counters.round_trips) == (2, 3)


def test_a_large_input_arrives_whole(host: SshHost) -> None:
    """More than any window or pipe holds."""
    data = os.urandom(20_000_000)
    assert host.run(["sha256sum"], stdin=data).text.split()[0] == hashlib.sha256(data).hexdigest()


def test_a_large_output_arrives_whole(host: SshHost) -> None:
    """More than any window or pipe holds."""
    assert len(host.run(["head", "-c", "9000000", "/dev/zero"]).stdout) == 9_000_000


def test_a_command_need_not_read_its_input(host: SshHost) -> None:
    """Its status counts, not that the input was left."""
    assert host.run(["true"], stdin=bytes(8_000_000)).ok


def test_a_daemon_that_keeps_the_output_open_holds_nobody_up(host: SshHost) -> None:
    """The command has ended when it says so."""
    done = host.run(["sh", "-c", "sleep 60 & echo $!"], timeout=30)
    os.kill(int(done.text), 9)


def test_many_commands_share_one_connection(host: SshHost) -> None:
    """50 at once, from as many threads, more than sshd's MaxSessions."""
    with ThreadPoolExecutor(50) as threads:
        found = list(threads.map(lambda n: host.run(["echo", str(n)]).text, range(50)))
    assert found == [str(n) for n in range(50)]
    assert (host.counters.opened, host.counters.round_trips) == (1, 50)


def test_questions_are_one_round_trip(host: SshHost) -> None:
    """However many; the answers come in the order of the questions."""
    questions: list[Argv] = [("echo", str(n % 7)) for n in range(20)]
    assert [one.text for one in host.ask(questions)] == [str(n % 7) for n in range(20)]
    assert (host.counters.opened, host.counters.round_trips) == (1, 1)


@pytest.mark.parametrize(
    "argv",
    [("sh", "-c", "printf 'a\\nb\\377'; echo wrong >&2; exit 3"), ("cat",), ("no-such-program",), ("true",)],
    ids=["says", "reads", "missing", "silent"],
)
def test_a_question_alone_is_answered_as_among_others(host: SshHost, argv: tuple[str, ...]) -> None:
    """Without the script around it, status and output are the same; who says that a program is missing differs."""
    (alone,) = host.ask([argv])
    host.forget()
    among, on = host.ask([argv, ("echo", "on")])
    assert (alone.exit_status, alone.stdout) == (among.exit_status, among.stdout)
    assert on.text == "on"


def test_a_question_asked_again_costs_nothing(host: SshHost) -> None:
    """The answer is kept; only what is new goes to the machine."""
    host.ask([("echo", "a"), ("echo", "b")])
    sent = host.counters.sent
    assert host.ask([("echo", "b")])[0].text == "b"
    assert (host.counters.round_trips, host.counters.sent) == (1, sent)
    host.ask([("echo", "b"), ("echo", "c")])
    assert host.counters.round_trips == 2


@pytest.mark.parametrize("change", ["run", "upload"])
def test_a_change_makes_all_answers_old(host: SshHost, change: str, tmp_path: Path) -> None:
    """What was seen before a change says nothing about after it."""
    target, question = "/var/lib/changed", ("cat", "/var/lib/changed")
    host.run(["rm", "-f", target])
    assert not host.ask([question])[0].ok
    if change == "run":
        host.run(["sh", "-c", f"echo new > {target}"])
    else:
        (tmp_path / "new").write_text("new\n")
        host.upload(tmp_path / "new", target)
    assert host.ask([question])[0].text == "new"


def test_a_note_makes_only_answers_about_notes_old(host: SshHost) -> None:
    """What the program writes down for itself changes nothing of what it manages."""
    note, other = f"{ROOT}/note", ("date", "+%s.%N")
    host.run(["rm", "-f", note])
    before, absent = host.ask([other, ("cat", note)])
    host.note(["sh", "-c", f"mkdir -p {ROOT}; cat > {note}"], stdin=b"written")
    after, present = host.ask([other, ("cat", note)])
    host.run(["rm", "-f", note])
    assert (before, absent.ok, present.text) == (after, False, "written")
    assert host.ask([other]) != [before]


def test_an_answer_from_before_a_change_is_not_kept(host: SshHost) -> None:
    """A question under way while another thread changes the machine must be asked again."""
    wait = "until [ -e /var/lib/asked ]; do sleep 0.02; done; cat /var/lib/value"
    host.run(["sh", "-c", "rm -f /var/lib/asked; echo old > /var/lib/value"])
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(host.ask, [("sh", "-c", wait)])
        while host.counters.round_trips < 2:
            pass
        host.run(["sh", "-c", "touch /var/lib/asked"])
        asked.result()
    host.run(["true"])
    host.ask([("true",)])
    before = host.counters.round_trips
    host.ask([("sh", "-c", wait)])
    assert host.counters.round_trips == before + 1


def test_first_reads_of_a_machine_are_one_round_trip(host: SshHost, pool: Pool, server: Sshd) -> None:
    """Many resources read at once; the machine's own list answers all of them."""
    asked = [[("sh", "-c", f"echo {n}\necho again"), ("uname",)] for n in range(6)]
    lists = [argv for one in asked for argv in one]
    host.run(
        ["sh", "-c", f"mkdir -p {batch.QUESTIONS}; cat > {batch.QUESTIONS}/All"],
        stdin=batch.listing(lists).encode(),
    )
    reader = pool.host("reader", server.connection())

    def read(one: list[Argv]) -> list[Completed]:
        reader.survey(one)
        return reader.ask(one)

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(read, asked))
    host.run(["rm", "-r", batch.QUESTIONS])
    assert [one[0].text for one in found] == [f"{n}\nagain" for n in range(6)]
    assert (reader.counters.opened, reader.counters.round_trips) == (1, 1)


def test_an_upload_arrives_whole_or_not_at_all(host: SshHost, tmp_path: Path) -> None:
    """Content, mode and owner are there together; nothing is left beside it."""
    source, target = tmp_path / "blob", tmp_path / "target"
    source.write_bytes(os.urandom(30_000_000))
    target.write_text("old")
    host.upload(source, str(target), mode=0o755)
    about = target.stat()
    assert target.read_bytes() == source.read_bytes()
    assert (about.st_mode & 0o7777, about.st_uid, about.st_gid) == (0o755, 0, 0)
    assert not Path(f"{target}{NEW}").exists()


def test_a_file_can_be_what_a_command_reads(host: SshHost, tmp_path: Path) -> None:
    """Of any size: it is streamed, alone or among other parts."""
    source = tmp_path / "large"
    source.write_bytes(os.urandom(3 * PIECE + 1))
    assert host.run(["sha256sum"], stdin=source).text.split()[0] == sha256_of(source)
    whole = hashlib.sha256(b"head" + source.read_bytes() + b"tail" + source.read_bytes()).hexdigest()
    assert host.run(["sha256sum"], stdin=[b"head", source, b"tail", source]).text.split()[0] == whole


def test_an_upload_with_a_wrong_sum_changes_nothing(host: SshHost, tmp_path: Path) -> None:
    """What was damaged on its way never takes the target's place."""
    target = tmp_path / "target"
    target.write_text("old")
    done = host.run(receive(str(target), "0" * 64, 0o644), stdin=b"damaged", check=False)
    assert (done.exit_status, target.read_text(), Path(f"{target}{NEW}").exists()) == (3, "old", False)
    assert hashlib.sha256(b"damaged").hexdigest() in done.stderr.decode()


def test_a_full_disk_is_named(host: SshHost, server: Sshd, tmp_path: Path) -> None:
    """The old file stays, what did not fit is gone, and the next step says where to look."""
    small, source = server.where / "small", tmp_path / "large"
    source.write_bytes(bytes(5_000_000))
    host.run(["sh", "-c", f"echo old > {small}/target"])
    with pytest.raises(DiskFull, match=r"upload of large to .*No space left on device. Next: df -h"):
        host.upload(source, f"{small}/target")
    assert host.run(["sh", "-c", f"ls -A {small}; cat {small}/target"]).text == "target\nold"


def test_an_upload_into_nowhere_is_named(host: SshHost, tmp_path: Path) -> None:
    """A directory that is missing is an error of the command; nothing hangs on the input that is left."""
    source = tmp_path / "large"
    source.write_bytes(bytes(5_000_000))
    with pytest.raises(CommandFailed, match=r"(?s)/nowhere/x.*(nonexistent|No such file)"):
        host.upload(source, "/nowhere/x")


def test_a_local_file_that_is_missing_is_named(host: SshHost, tmp_path: Path) -> None:
    """No connection is needed to say so."""
    with pytest.raises(HostError, match=r"expected a file .*/none on this machine, found No such file"):
        host.upload(tmp_path / "none", "/var/lib/none")
    with pytest.raises(HostError, match=r"expected a file .*/none on this machine, found No such file"):
        host.run(["cat"], stdin=tmp_path / "none")
    assert host.counters.opened == 0


def test_a_server_with_few_sessions_is_waited_for(tmp_path: Path, pool: Pool) -> None:
    """MaxSessions 1 makes commands wait for each other, not fail."""
    with Sshd(tmp_path, "MaxSessions 1") as server:
        host = pool.host("cp-1", server.connection())
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda n: host.run(["echo", n]).text, "abcd"))
    assert (found, host.counters.opened) == (["a", "b", "c", "d"], 1)


@pytest.fixture
def user(pool: Pool, server: Sshd) -> Iterator[SshHost]:
    """A machine on which we are pi and become root by sudo."""
    yield pool.host("cp-1", server.connection(user="pi"))
    server.sudo("free")


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_sudo_without_a_password(
    user: SshHost, server: Sshd, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password that is not wanted never becomes input of the command."""
    monkeypatch.setenv("HELICON_SUDO_PASSWORD", password)
    assert user.run(["cat"], stdin=b"input\n").text == "input"
    assert user.ask([("echo", "answer")])[0].text == "answer"


def test_sudo_with_a_password(user: SshHost, server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes to sudo on standard input, the rest to the command, in full."""
    server.sudo("asks")
    monkeypatch.setenv("HELICON_SUDO_PASSWORD_CP_1", PASSWORD)
    data = os.urandom(3_000_000)
    assert user.run(["sha256sum"], stdin=data).text.split()[0] == hashlib.sha256(data).hexdigest()
    assert PASSWORD not in user.run(["sh", "-c", "tr '\\0' ' ' < /proc/$PPID/cmdline; env"]).text


@pytest.mark.parametrize(
    ("rules", "password", "says"),
    [
        ("asks", "", "a password is required.*HELICON_SUDO_PASSWORD_CP_1 in the environment"),
        ("asks", "wrong", "(incorrect password|no password was provided).*HELICON_SUDO_PASSWORD"),
        ("outside", PASSWORD, "not in the sudoers file.*usermod -aG sudo pi"),
    ],
)
def test_sudo_that_refuses_is_named(
    user: SshHost, server: Sshd, monkeypatch: pytest.MonkeyPatch, rules: str, password: str, says: str
) -> None:
    """Each refusal has its own next step; nothing fails as if it were the command's fault."""
    server.sudo(rules)
    monkeypatch.setenv("HELICON_SUDO_PASSWORD", password)
    for use in (lambda: user.run(["true"], check=False), lambda: user.ask([("true",)])):
        with pytest.raises(SudoRefused, match=f"cp-1 .*sudo as pi: expected root, found refused.*{says}"):
            use()


def test_a_machine_without_sudo_is_named(tmp_path: Path, pool: Pool) -> None:
    """Minimal systems have none."""
    with Sshd(tmp_path) as server:
        (tmp_path / "bin" / "sudo").unlink()
        with pytest.raises(SudoRefused, match="apt-get install sudo"):
            pool.host("cp-1", server.connection(user="pi")).run(["true"])


def test_a_pool_gives_the_same_machine_again(pool: Pool, server: Sshd) -> None:
    """One connection for each machine; changed settings are another connection."""
    one = pool.host("cp-1", server.connection())
    assert pool.host("cp-1", server.connection()) is one
    assert pool.host("cp-1", server.connection(deadline=9)) is not one


def test_a_machine_can_be_used_after_the_pool_was_closed(host: SshHost, pool: Pool) -> None:
    """Closing ends connections, not machines."""
    host.run(["true"])
    pool.close()
    host.run(["true"])
    assert host.counters.opened == 2


def test_quoting_is_done_once(host: SshHost) -> None:
    """A script with its own quotes, as things give it to `sh -c`, survives."""
    script = 'for word in "$@"; do printf "%s\\n" "$word"; done'
    words = ["a b", "it's", shlex.quote("x y")]
    assert host.run(["sh", "-c", script, "name", *words]).text.splitlines() == words
