"""A machine that does only what it was told to expect, and fails the test on anything else.

Commands are written as one line of text, or as a list. The first word may name a script of a
module, `<journal.remember>` for `_REMEMBER` (or `REMEMBER`) in providers/core/journal.py, so that no
shell text is repeated. The word `*` stands for any one argument, a last `...` for any others.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from providers.core.errors import CommandFailed
from providers.core.host import Argv, Completed, Given, Host, parts
from tests.modules import module_named

ANY = "*"
REST = "..."


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command leaves behind."""

    out: str = ""
    err: str = ""
    exit: int = 0


@dataclass(frozen=True, kw_only=True)
class Command:
    """An expected change: argv pattern, input, outcome, and what the machine answers from then on."""

    argv: Argv
    stdin: str = ""
    secret: bool = False
    answer: Answer = Answer()
    then: Mapping[Argv, Answer] = field(default_factory=dict)


def pattern(command: str | Sequence[str]) -> Argv:
    """The argv pattern of a command as a scenario writes it."""
    words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    if words and words[0].startswith("<") and words[0].endswith(">"):
        return ("sh", "-c", script(words[0][1:-1]), ANY, *words[1:])
    return tuple(words)


def script(name: str) -> str:
    """The shell text that `module.name` stands for."""
    module_name, _, constant = name.rpartition(".")
    module = module_named(module_name)
    upper = constant.upper().replace("-", "_")
    found = getattr(module, f"_{upper}", getattr(module, upper, None))
    assert isinstance(found, str), f"{module.__file__} has no script _{upper} or {upper}"
    return found


def shown(argv: Sequence[str]) -> str:
    """A command as a scenario would write it, scripts by their name."""
    if len(argv) > 3 and list(argv[:2]) == ["sh", "-c"]:
        return f"<{_script_name(argv[2])}> {shlex.join(argv[4:])}".rstrip()
    return shlex.join(argv)


def _script_name(text: str) -> str:
    for module_name, module in sorted(sys.modules.items()):
        if module_name.startswith("providers."):
            for constant, value in vars(module).items():
                if value == text:
                    return f"{module_name.rpartition('.')[2]}.{constant.strip('_').lower()}"
    return text


def matches(expected: Argv, argv: Sequence[str]) -> bool:
    """Whether a command is the one that a pattern describes."""
    if expected and expected[-1] == REST:
        expected, argv = expected[:-1], argv[: len(expected) - 1]
    return len(expected) == len(argv) and all(
        want in (ANY, word) for want, word in zip(expected, argv, strict=True)
    )


class FakeHost(Host):
    """A strict machine: questions are answered from a table, changes must come in the given order."""

    def __init__(
        self,
        name: str = "cp-1",
        address: str = "10.0.0.11",
        *,
        questions: Mapping[Argv, Answer] | None = None,
        commands: Iterable[Command] = (),
    ) -> None:
        self.name = name
        self.address = address
        self.asked: list[Argv] = []
        self.ran: list[Argv] = []
        self._answers: dict[Argv, Answer] = dict(questions or {})
        self._unasked = set(self._answers)
        self._commands = list(commands)

    def learn(self, answers: Mapping[Argv, Answer]) -> None:
        """Answer these questions so from now on."""
        self._answers.update(answers)
        self._unasked |= set(answers)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Given = b"",
        timeout: float = 60.0,
        check: bool = True,
        secret: bool = False,
    ) -> Completed:
        """Accept the next expected command and no other."""
        assert timeout > 0, f"{shown(argv)}: a timeout must be positive"
        expected = self._next(tuple(argv))
        given = "".join(one.name if isinstance(one, Path) else one.decode() for one in parts(stdin))
        assert expected.stdin in (ANY, given), (
            f"{shown(argv)}: stdin\nexpected: {expected.stdin!r}\n   found: {given!r}"
        )
        assert expected.secret == secret, f"{shown(argv)}: secret is {secret}, expected {expected.secret}"
        self.learn(expected.then)
        if check and expected.answer.exit:
            raise _failed(self, argv, expected.answer)
        return _completed(tuple(argv), expected.answer)

    def ask(self, questions: Sequence[Argv]) -> list[Completed]:
        """Answer what the table holds and nothing else."""
        return [self._answer(tuple(argv)) for argv in questions]

    def upload(self, source: Path, target: str, *, mode: int = 0o644, timeout: float = 600.0) -> None:
        """Accept the next expected command if it is `upload <source's name> <target> <mode>`."""
        assert timeout > 0, f"upload {target}: a timeout must be positive"
        assert source.is_file(), f"upload {target}: there is no {source}"
        argv = ("upload", source.name, target, f"{mode:04o}")
        expected = self._next(argv)
        self.learn(expected.then)
        if expected.answer.exit:
            raise _failed(self, argv, expected.answer)

    def finish(self) -> None:
        """Fail if an expected command never came or a given answer was never asked for."""
        assert not self._commands, f"{self}: never run: {shown(self._commands[0].argv)}"
        assert not self._unasked, f"{self}: never asked: {sorted(map(shown, self._unasked))}"

    def _next(self, argv: Argv) -> Command:
        self.ran.append(argv)
        assert self._commands, f"{self}: unexpected command\n   found: {shown(argv)}\nexpected: no more"
        expected = self._commands.pop(0)
        assert matches(expected.argv, argv), (
            f"{self}: unexpected command\n   found: {shown(argv)}\nexpected: {shown(expected.argv)}"
        )
        return expected

    def _answer(self, argv: Argv) -> Completed:
        self.asked.append(argv)
        for expected in reversed(self._answers):
            if matches(expected, argv):
                self._unasked.discard(expected)
                return _completed(argv, self._answers[expected])
        known = "\n".join(f"  {shown(expected)}" for expected in self._answers) or "  nothing"
        raise AssertionError(f"{self}: unexpected question {shown(argv)}\nanswers are known for:\n{known}")


def _completed(argv: Argv, answer: Answer) -> Completed:
    return Completed(
        argv=argv, exit_status=answer.exit, stdout=answer.out.encode(), stderr=answer.err.encode()
    )


def _failed(host: Host, argv: Sequence[str], answer: Answer) -> CommandFailed:
    return CommandFailed(
        host=str(host),
        item=shown(argv),
        expected="status 0",
        found=f"{answer.exit}: {answer.err or answer.out}",
        next_step="look at the output",
    )
