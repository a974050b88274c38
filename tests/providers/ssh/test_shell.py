"""Many commands in one shell of root: each is what it would be in a session of its own."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.core.errors import CommandFailed, ConnectionDropped
from providers.ssh import shell
from providers.ssh.ssh_host import SshHost
from tests.providers.ssh.sshd import Sshd

ASCII = st.text(st.characters(max_codepoint=127, exclude_characters="\0"), max_size=20)
PRINT = ("sh", "-c", 'printf "%s\\0" "$@"', "print")


@given(st.lists(ASCII, min_size=1, max_size=4), st.binary(max_size=200))
def test_arguments_and_input_arrive_as_they_are(words: list[str], data: bytes) -> None:
    """Newlines and quotes among them; each command has its own input, and what it leaves of it is gone."""
    sent = [shell.frame("m1", ["cat"], data), shell.frame("m2", ["true"], data)]
    sent.append(shell.frame("m3", [*PRINT, *words], b""))
    done = subprocess.run(shell.ARGV, input=b"".join(sent), capture_output=True, check=True)
    printed = "".join(f"{word}\0" for word in words).encode()
    assert done.stdout == data + b"\nm1 0\n" + b"\nm2 0\n" + printed + b"\nm3 0\n"


@pytest.mark.slow
def test_streams_and_statuses_are_kept_apart(host: SshHost) -> None:
    """Of one command from the next, with and without a last newline."""
    for number in range(3):
        done = host.run(["sh", "-c", f"printf out; printf err >&2; exit {number}"], check=False)
        assert (done.stdout, done.stderr, done.exit_status) == (b"out", b"err", number)
    assert host.run(["printf", "\n1234567890abcdef 0\n"]).stdout == b"\n1234567890abcdef 0\n"


@pytest.mark.slow
def test_commands_one_after_another_share_a_shell(host: SshHost) -> None:
    """The machine starts no session for each; what is not ASCII, or large, gets one."""
    parent = ["sh", "-c", "cut -d' ' -f4 /proc/$PPID/stat"]  # above is `timeout`, and above that the shell
    first, second = host.run(parent).text, host.run(parent).text
    assert first == second
    assert host.run([*parent[:-1], f"{parent[-1]} # ä"]).text != first
    assert host.run(parent, stdin=bytes(shell.LARGEST + 1)).text != first


@pytest.mark.slow
def test_commands_at_once_do_not_wait_for_the_shell(host: SshHost) -> None:
    """One that lasts holds up nobody."""
    with ThreadPoolExecutor(1) as threads:
        lasting = threads.submit(host.run, ["sh", "-c", "until [ -e /var/lib/over ]; do sleep 0.02; done"])
        host.run(["true"])
        host.run(["touch", "/var/lib/over"])
        lasting.result()


@pytest.mark.slow
def test_a_command_that_is_too_slow_leaves_the_shell_as_it_was(host: SshHost) -> None:
    """The machine ends it; the next one gets its own answer."""
    with pytest.raises(CommandFailed, match="timed out after"):
        host.run(["sh", "-c", "echo late; sleep 30"], timeout=0.3)
    assert host.run(["echo", "next"]).text == "next"


@pytest.mark.slow
def test_a_shell_that_was_ended_is_opened_anew(host: SshHost, server: Sshd) -> None:
    """By whoever; a command that was sent before that was noticed may have run, and the error says so."""
    pid = host.run(["sh", "-c", "cut -d' ' -f4 /proc/$PPID/stat"]).text
    os.kill(int(pid), 9)
    with suppress(ConnectionDropped):
        host.run(["true"])
    assert host.run(["echo", "on"]).text == "on"
    assert host.counters.opened == 1
