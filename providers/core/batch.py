"""Many questions in one round trip: the script that a machine runs, and the parse of what it prints.

Every answer is one line: key, exit status, base64 of standard output, base64 of standard error. A
question's key is a digest of its argv, so the machine can keep a list of questions of its own and
both sides still speak of the same ones. Nothing is written outside a directory in memory.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from providers.core.host import Argv, Completed
from providers.core.journal import ROOT

QUESTIONS = f"{ROOT}/questions"
"""Where a machine keeps the questions that observe it, one file for each resource."""
QUESTION_SECONDS = 20
"""The longest time for one question; a hung one must not take the others with it."""
HUNG = 124
"""The status of `timeout` (coreutils) for a command that it had to end."""
_END = "end"

_BEGIN = """
umask 077
dir=$(mktemp -d -p /run helicon.XXXXXX 2>/dev/null || mktemp -d) || exit 3
trap 'rm -rf "$dir"' EXIT
trap 'exit 143' HUP INT PIPE TERM
if command -v timeout >/dev/null; then limit() { timeout -k 2 "$seconds" "$@"; }
else limit() { "$@"; }; fi
known=' '
question() {
  case $known in *" $1 "*) return 0;; esac
  known="$known$1 "; key=$1; shift
  limit "$@" </dev/null >"$dir/out" 2>"$dir/err"
  printf '%s %s ' "$key" "$?"
  base64 -w0 <"$dir/out"; printf ' '
  [ ! -s "$dir/err" ] || base64 -w0 <"$dir/err"
  echo
}
"""
# A list that was cut short must not end the shell that reads it, hence `sh -n` before it is read.
_OWN_LIST = f"""
for list in {QUESTIONS}/*; do
  if [ -f "$list" ] && sh -n "$list" 2>/dev/null; then . "$list"; fi
done
"""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a question left behind on the machine."""

    exit_status: int
    stdout: bytes
    stderr: bytes

    def to(self, argv: Argv) -> Completed:
        """The answer, to the question that was asked."""
        late = f"helicon: no answer within {QUESTION_SECONDS} s\n".encode()
        stderr = self.stderr + late if self.exit_status == HUNG else self.stderr
        return Completed(argv=argv, exit_status=self.exit_status, stdout=self.stdout, stderr=stderr)


def key(argv: Argv) -> str:
    """The name of a question in scripts and answers."""
    return hashlib.sha256("\0".join(argv).encode()).hexdigest()[:32]


def listing(questions: Iterable[Argv]) -> str:
    """The content of a file below QUESTIONS; identical questions are listed once."""
    return "".join(f"question {key(argv)} {shlex.join(argv)}\n" for argv in dict.fromkeys(questions))


def script(questions: Iterable[Argv], *, prefetch: bool = False, seconds: float = QUESTION_SECONDS) -> str:
    """What `sh -s` runs to answer the questions, with `prefetch` also those of the machine's own list."""
    return f"seconds={seconds:g}{_BEGIN}{listing(questions)}{_OWN_LIST if prefetch else ''}echo {_END}\n"


def parse(output: bytes) -> dict[str, Answer] | None:
    """The answers by key; None when the script did not come to its end."""
    lines = output.decode("ascii", "replace").splitlines()
    if not lines or lines[-1] != _END:
        return None
    pairs = (_answer(line) for line in lines[:-1])
    return dict(pair for pair in pairs if pair is not None)


def _answer(line: str) -> tuple[str, Answer] | None:
    """One answer; None for a line that a broken list of questions printed."""
    words = line.split(" ")
    try:
        name, status, stdout, stderr = words
        found = Answer(exit_status=int(status), stdout=_decoded(stdout), stderr=_decoded(stderr))
    except (ValueError, binascii.Error):
        return None
    return name, found


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
