"""The command line that is sent to a machine, and what may be shown of a command: pure text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LOCALE = ("env", "LC_ALL=C.UTF-8")
_KILL_AFTER = "5"
_MARK = "helicon-input"
# sudo reads the password line only when it wants one: what is left of it ends at the mark. The
# shell's `read` takes single bytes from a pipe, so nothing of the input behind the mark is lost.
_SKIP = 'while IFS= read -r line; do [ "$line" = "$0" ] && break; done; exec "$@"'
_SUDO = re.compile(
    r"^sudo: (a password is required|a terminal is required|no password was provided)"
    r"|^sudo: (sorry, you must have a tty|\d+ incorrect password attempts?|.*command not found)"
    r"|^sudo: (.*unknown user|account validation failure)"
    r"|is not in the sudoers file|is not allowed to (execute|run sudo)|^(env: .)?sudo.?: No such file",
    re.MULTILINE,
)
_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"),  # a bootstrap token of kubeadm
)
SHOWN_LINES = 10
_SHOWN_COMMAND = 160


@dataclass(frozen=True, kw_only=True)
class Privilege:
    """How a command becomes root: by being root, by sudo without a password, or with one on its input."""

    sudo: bool
    password: str = ""

    def line(self, argv: Sequence[str]) -> str:
        """The line for the shell that sshd starts."""
        if not self.sudo:
            return shlex.join([*_LOCALE, *argv])
        if not self.password:
            return shlex.join([*_LOCALE, "sudo", "-n", "--", *argv])
        return shlex.join([*_LOCALE, "sudo", "-S", "-p", "", "--", "sh", "-c", _SKIP, _MARK, *argv])

    @property
    def preface(self) -> bytes:
        """What goes before the command's own input."""
        return f"{self.password}\n{_MARK}\n".encode() if self.sudo and self.password else b""

    def refused(self, exit_status: int, stderr: bytes) -> str:
        """The line with which sudo refused, or nothing."""
        if not self.sudo or exit_status not in (1, 127):
            return ""
        lines = stderr.decode("utf-8", "replace").splitlines()
        return next((line.strip(" .") for line in reversed(lines) if _SUDO.search(line)), "")


def limited(argv: Sequence[str], seconds: float) -> list[str]:
    """The command that the machine itself ends after `seconds`, also when the connection has gone."""
    return ["timeout", "-k", _KILL_AFTER, f"{seconds:g}", *argv]


def shown(argv: Sequence[str]) -> str:
    """A command as errors show it: one line, a script by the name it was given."""
    is_script = len(argv) > 3 and argv[0] == "sh" and argv[1] == "-c"
    words = [f"({argv[3]})", *argv[4:]] if is_script else list(argv)
    text = " ".join(" ".join(words).split())
    return text if len(text) <= _SHOWN_COMMAND else f"{text[:_SHOWN_COMMAND]}…"


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Text without the given secrets, private keys and bootstrap tokens."""
    for one in sorted(secrets, key=len, reverse=True):
        text = text.replace(one, "(secret)")
    for pattern in _SECRETS:
        text = pattern.sub("(secret)", text)
    return text


def last_lines(stdout: bytes, stderr: bytes) -> str:
    """What a failed command said last, on standard error or else on standard output, behind a colon."""
    said = stderr if stderr.strip() else stdout
    lines = said.decode("utf-8", "replace").rstrip().splitlines()[-SHOWN_LINES:]
    if len(lines) > 1:
        return ":" + "".join(f"\n  {line}" for line in lines)
    return f": {lines[0].strip()}" if lines else ""
