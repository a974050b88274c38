"""Command lines and what may be shown of them: pure text."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.ssh.command import Privilege, last_lines, redacted, shown

# Arguments of a process hold no NUL, and text that is no Unicode cannot be sent.
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(WORDS, max_size=4))
def test_a_shell_gets_the_arguments_back_as_they_were(words: list[str]) -> None:
    """This is the one place that quotes."""
    line = Privilege(sudo=False).line(["printf", "%s\\0", *words])
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=True)
    assert done.stdout.decode() == "".join(f"{word}\0" for word in words) or not words


@pytest.mark.parametrize("password", ["", "open sesame"])
def test_a_password_is_in_no_command_line(password: str) -> None:
    """Everyone on the machine can read command lines; the password is input."""
    privilege = Privilege(sudo=True, password=password)
    line = shlex.split(privilege.line(["id"]))
    assert ("-n" in line, "-S" in line) == (not password, bool(password))
    assert "sesame" not in " ".join(line)
    assert privilege.preface.startswith(password.encode())
    assert bool(privilege.preface) == bool(password)


def test_a_command_that_fails_like_sudo_is_no_refusal() -> None:
    """Only sudo's own words count, and only where sudo was used."""
    said = b"sudo: a password is required\n"
    assert Privilege(sudo=True).refused(1, said) == "sudo: a password is required"
    assert Privilege(sudo=True).refused(0, said) == ""
    assert Privilege(sudo=False).refused(1, said) == ""
    assert Privilege(sudo=True).refused(1, b"E: a password is required by the mirror\n") == ""


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["systemctl", "restart", "kubelet"], "systemctl restart kubelet"),
        (["sh", "-c", "set -e\nlong script", "upload", "/usr/bin/kubelet"], "(upload) /usr/bin/kubelet"),
        (["sh", "-c", "two\nlines"], "sh -c two lines"),
        (["echo", "x" * 500], "echo " + "x" * 155 + "…"),
    ],
)
def test_a_command_is_shown_on_one_line(argv: list[str], text: str) -> None:
    """A script is shown by its name, what is long is cut."""
    assert shown(argv) == text


def test_the_longer_secret_is_struck_out_first() -> None:
    """A password that begins another one must not leave the other's end readable."""
    assert redacted("say opensesame", ["open", "opensesame"]) == "say (secret)"


def test_a_key_that_was_cut_off_is_struck_out() -> None:
    """The last lines of an output may hold half of a key."""
    assert redacted("x -----BEGIN PRIVATE KEY-----\nMIIE", []) == "x (secret)"


@pytest.mark.parametrize(
    ("stdout", "stderr", "text"),
    [
        (b"out", b"err\n", ": err"),
        (b"out\n", b"\n", ": out"),
        (b"", b"", ""),
        (b"", b"one\ntwo\n", ":\n  one\n  two"),
    ],
)
def test_what_a_command_said_last(stdout: bytes, stderr: bytes, text: str) -> None:
    """Its errors, or else its output."""
    assert last_lines(stdout, stderr) == text
