"""What simulated machines answer: learned command by command from a real one, then played back.

What a machine answers depends on what was done to it before. So a machine's history is the digest
of all commands since the beginning of a scenario, but for the questions of this program, which
change nothing and come in any order; they are kept one by one. Name and addresses of a machine are
taken out of what is learned and put into what is played back.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from dataclasses import dataclass, field

from bench.target import Target
from providers.core import batch
from providers.ssh.command import limited

_ASKED = re.compile(
    r"^question ([0-9a-f]{32}) (.*?)\n(?=question [0-9a-f]{32} |\nfor list in |printf '%s end)", re.M | re.S
)
_ALONE = re.compile(rf"(?:^|.* ){re.escape(shlex.join(limited((), batch.TOGETHER_SECONDS)))} (.*)", re.S)
"""A question without others: the command itself, with the time limit of no other command of a preparation."""
_NAME, _ADDRESS, _REACHED = b"\x01name\x02", b"\x01address\x02", b"\x01reached\x02"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a command left: streams, status, and the seconds that it took on the real machine."""

    stdout: bytes
    stderr: bytes
    status: int
    seconds: float


class Unlearned(Exception):
    """A simulated machine was asked what no real one was asked at this point."""


@dataclass
class Answers:
    """One history's answers to questions: by text of the question, and the machine's own list by key."""

    asked: dict[bytes, batch.Answer] = field(default_factory=dict)
    listed: dict[str, batch.Answer] = field(default_factory=dict)
    seconds: float = 0.0
    alone: dict[bytes, float] = field(default_factory=dict)
    """Seconds of questions that were asked without others."""

    def keep(self, machine: Target, key: str, text: bytes | None, answer: batch.Answer) -> None:
        """Keep an answer; `text` is None for a question of the machine's own list."""
        general_answer = batch.Answer(
            exit_status=answer.exit_status,
            stdout=general(machine, answer.stdout),
            stderr=general(machine, answer.stderr),
        )
        if text is not None:
            self.asked[general(machine, text)] = general_answer
        self.listed[key] = general_answer

    def find(self, machine: Target, history: str, key: str, text: bytes) -> batch.Answer:
        """The answer to a question; Unlearned where there is none."""
        answer = self.asked.get(general(machine, text)) or self.listed.get(key)
        if answer is None:
            raise Unlearned(f"{machine.name}, after {history[:16]}: question {text[:200]!r}")
        return answer


@dataclass
class Record:
    """All that was learned."""

    replies: dict[tuple[str, bytes], Reply] = field(default_factory=dict)
    answers: dict[str, Answers] = field(default_factory=dict)

    def learn(self, machine: Target, history: str, line: str, stdin: bytes, reply: Reply) -> str:
        """Keep what a real machine said; the history after it."""
        if is_question(line, stdin):
            self._learn_answers(machine, history, stdin, reply)
            return history
        if question := alone(line, stdin):
            self._learn_answer(machine, history, question, reply)
            return history
        key = general(machine, line.encode() + b"\0" + stdin)
        kept = Reply(
            stdout=general(machine, reply.stdout),
            stderr=general(machine, reply.stderr),
            status=reply.status,
            seconds=reply.seconds,
        )
        self.replies[history, key] = kept
        return _after(history, key)

    def play(self, machine: Target, history: str, line: str, stdin: bytes) -> tuple[Reply, str]:
        """What this machine says, and its history after it; Unlearned where nobody knows."""
        if is_question(line, stdin):
            return self._play_answers(machine, history, stdin), history
        if question := alone(line, stdin):
            return self._play_answer(machine, history, question), history
        key = general(machine, line.encode() + b"\0" + stdin)
        found = self.replies.get((history, key))
        if found is None:
            raise Unlearned(f"{machine.name}, after {history[:16]}: {line[:200]}")
        own = Reply(
            stdout=special(machine, found.stdout),
            stderr=special(machine, found.stderr),
            status=found.status,
            seconds=found.seconds,
        )
        return own, _after(history, key)

    def _learn_answers(self, machine: Target, history: str, stdin: bytes, reply: Reply) -> None:
        kept = self.answers.setdefault(history, Answers())
        kept.seconds = max(kept.seconds, reply.seconds)
        questions = asked(stdin)
        for key, answer in (batch.parse(reply.stdout, mark(stdin)) or {}).items():
            kept.keep(machine, key, questions.get(key), answer)

    def _learn_answer(self, machine: Target, history: str, question: str, reply: Reply) -> None:
        kept, text = self.answers.setdefault(history, Answers()), question.encode()
        answer = batch.Answer(exit_status=reply.status, stdout=reply.stdout, stderr=reply.stderr)
        kept.keep(machine, _key(question), text, answer)
        kept.alone[general(machine, text)] = reply.seconds

    def _play_answer(self, machine: Target, history: str, question: str) -> Reply:
        kept, text = self.answers.get(history, Answers()), question.encode()
        answer = kept.find(machine, history, _key(question), text)
        return Reply(
            stdout=special(machine, answer.stdout),
            stderr=special(machine, answer.stderr),
            status=answer.exit_status,
            seconds=kept.alone.get(general(machine, text), kept.seconds),
        )

    def _play_answers(self, machine: Target, history: str, stdin: bytes) -> Reply:
        kept = self.answers.get(history, Answers())
        lines = {
            key: _framed(machine, mark(stdin), key, kept.find(machine, history, key, text))
            for key, text in asked(stdin).items()
        }
        if batch.QUESTIONS.encode() in stdin:
            own = {key: _framed(machine, mark(stdin), key, one) for key, one in kept.listed.items()}
            lines = own | lines
        output = b"".join(lines.values()) + f"{mark(stdin)} end\n".encode()
        return Reply(stdout=output, stderr=b"", status=0, seconds=kept.seconds)


def is_question(line: str, stdin: bytes) -> bool:
    """Whether a command is this program's batch of questions (providers/core/batch.py)."""
    return line.endswith(" sh -s") and stdin.startswith(b"mark=")


def alone(line: str, stdin: bytes) -> str:
    """The question that a command is by itself; "" for every other command."""
    found = None if stdin else _ALONE.fullmatch(line)
    return found[1] if found else ""


def _key(question: str) -> str:
    return batch.key(tuple(shlex.split(question)))


def mark(stdin: bytes) -> str:
    """The mark of a batch."""
    return stdin[: stdin.index(b" ")].decode().removeprefix("mark=")


def asked(stdin: bytes) -> dict[str, bytes]:
    """The questions of a batch: their text by key."""
    return {key: text.encode() for key, text in _ASKED.findall(stdin.decode())}


def general(machine: Target, text: bytes) -> bytes:
    """A text without the machine's name and addresses."""
    for own, mark in _marks(machine):
        text = text.replace(own, mark)
    return text


def special(machine: Target, text: bytes) -> bytes:
    """A text with them."""
    for own, mark in _marks(machine):
        text = text.replace(mark, own)
    return text


def _marks(machine: Target) -> list[tuple[bytes, bytes]]:
    own = (machine.name, machine.own_address, machine.address)
    return list(zip((one.encode() for one in own), (_NAME, _ADDRESS, _REACHED), strict=True))


def _framed(machine: Target, between: str, key: str, answer: batch.Answer) -> bytes:
    """An answer as the machine's shell prints it."""
    out, err = (special(machine, one) for one in (answer.stdout, answer.stderr))
    lines = [
        f"{between} {key}".encode(),
        out,
        f"{between} {answer.exit_status}".encode(),
        err,
        between.encode(),
    ]
    return b"\n%b\n%b\n%b\n%b\n%b\n" % tuple(lines)


def _after(history: str, key: bytes) -> str:
    return hashlib.sha256(history.encode() + b"\0" + key).hexdigest()
