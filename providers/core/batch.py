"""Many questions in one round trip: the script that a machine runs, and the parse of what it prints.

An answer is what the command printed, between lines that begin with the batch's mark: with the
question's key before it, with the status behind standard output, and alone behind standard error. The
mark is drawn for each batch, so no file that a machine shows can hold it. A question's key is a digest of
its argv, so the machine can keep a list of questions of its own and both sides still speak of the same
ones. Nothing is written but standard error, to a file in memory.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field

from providers.core.host import Argv, Completed
from providers.core.journal import ROOT

QUESTIONS = f"{ROOT}/questions"
"""Where a machine keeps the questions that observe it, one file for each resource."""
TOGETHER_SECONDS = 30
"""The longest time for questions that have no limits of their own; then one hangs, or the machine is slow."""
QUESTION_SECONDS = 20
"""The longest time for one question where each has its limit: a hung one takes no other with it."""
HUNG = 124
"""The status of `timeout` (coreutils) for a command that it had to end."""

_BEGIN = """
umask 077
if [ -w /run ]; then err=/run/helicon.$$; else err=$(mktemp) || exit 3; fi
trap 'rm -f "$err"' EXIT
trap 'exit 143' HUP INT PIPE TERM
if [ -n "$seconds" ] && command -v timeout >/dev/null; then limit() { timeout -k 2 "$seconds" "$@"; }
else limit() { "$@"; }; fi
known=' '
question() {
  case $known in *" $1 "*) return 0;; esac
  known="$known$1 "; printf '\\n%s %s\\n' "$mark" "$1"; shift
  limit "$@" </dev/null 2>"$err"
  printf '\\n%s %s\\n' "$mark" "$?"
  [ ! -s "$err" ] || cat "$err"
  printf '\\n%s\\n' "$mark"
}
"""
# A list that was cut short must not end the shell that reads it, hence `sh -n` before it is read.
_OWN_LIST = f"""
for list in {QUESTIONS}/*; do
  if [ -f "$list" ] && sh -n "$list" 2>/dev/null; then . "$list"; fi
done
"""
_END = "end"


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


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Questions that are asked together, with `prefetch` also those of the machine's own list.

    `seconds` is the limit of each; it costs a process for each, so there is none unless it is needed.
    """

    questions: tuple[Argv, ...]
    prefetch: bool = False
    seconds: float | None = None
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def alone(self) -> Argv | None:
        """The question, where there is but one."""
        return self.questions[0] if len(self.questions) == 1 and not self.prefetch else None

    @property
    def script(self) -> bytes:
        """What `sh -s` runs to answer them."""
        own = _OWN_LIST if self.prefetch else ""
        limit = "" if self.seconds is None else f"{self.seconds:g}"
        begin = f"mark={self.mark} seconds={limit}{_BEGIN}"
        return f"{begin}{listing(self.questions)}{own}printf '%s {_END}\\n' \"$mark\"\n".encode()

    def parse(self, output: bytes) -> dict[str, Answer] | None:
        """The answers by key; None when the script did not come to its end."""
        return parse(output, self.mark)


def parse(output: bytes, mark: str) -> dict[str, Answer] | None:
    """The answers by key in the output of a batch with this mark; None when it did not come to its end.

    What a broken list of questions printed stands between two answers and counts for nothing.
    """
    if not output.endswith(f"{mark} {_END}\n".encode()):
        return None
    between = f"\n{mark}"
    answers = rf"{between} (\w+)\n(.*?){between} (\d+)\n(.*?){between}\n".encode()
    return {
        name.decode(): Answer(exit_status=int(status), stdout=stdout, stderr=stderr)
        for name, stdout, status, stderr in re.findall(answers, output, re.DOTALL)
    }
