"""A machine over SSH: commands as root, many questions in one round trip."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

from providers.core import batch
from providers.core.errors import (
    CommandFailed,
    ConnectionDropped,
    DiskFull,
    HostError,
    SudoRefused,
    TooSlow,
)
from providers.core.host import Argv, Completed, Given, Host, parts
from providers.core.journal import is_ours
from providers.ssh import environment
from providers.ssh.channel import Outcome
from providers.ssh.command import Privilege, last_lines, limited, redacted, shown
from providers.ssh.link import Counters, Input, Link
from providers.ssh.loop import wait_for
from providers.ssh.upload import pieces, receive, sha256_of

log = logging.getLogger("helicon")
NOTE_SECONDS = 60.0
ASK_SECONDS = 120.0
"""The longest time for all questions of one round trip."""
_FULL = ("No space left on device", "Disk quota exceeded")
_SHELL = ("sh", "-s")
_TIMED_OUT = (batch.HUNG, 137)


class SshHost(Host):
    """A machine behind a pooled connection; for use by any number of threads."""

    def __init__(self, link: Link) -> None:
        self.name = link.name
        self.address = link.connection.address
        self._link = link
        self._answers: dict[str, batch.Answer] = {}
        self._apart: set[str] = set()
        self._changes = 0
        self._prefetched = False
        self._slow = False
        self._asking = asyncio.Lock()

    @property
    def counters(self) -> Counters:
        """What this machine's connection has cost so far."""
        return self._link.counters

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Given = b"",
        timeout: float = 60.0,
        check: bool = True,
        secret: bool = False,
    ) -> Completed:
        """Run one command as root; the machine ends it after `timeout` seconds."""
        given = stdin if isinstance(stdin, bytes) else self._pieces(parts(stdin))
        return wait_for(self._run(tuple(argv), given, timeout, check=check, secret=secret))

    def note(self, argv: Sequence[str], *, stdin: bytes = b"") -> Completed:
        """Run one command that changes nothing but this program's own notes; other answers stay.

        It is short, and there are many: the machine itself sets none of them a time.
        """
        return wait_for(self._run(tuple(argv), stdin, NOTE_SECONDS, check=True, own=True))

    def ask(self, questions: Sequence[Argv]) -> list[Completed]:
        """Answer read-only commands in one round trip."""
        return wait_for(self._ask([tuple(one) for one in questions], prefetch=False))

    def survey(self, questions: Sequence[Argv]) -> None:
        """Ask what a resource needs; the first time, also the machine's own list of what others will."""
        wait_for(self._ask([tuple(one) for one in questions], prefetch=True))

    def reconnect(self, seconds: float) -> None:
        """Drop the connection and open another, trying for so many seconds."""
        self._forget()
        wait_for(self._link.reconnect(seconds))

    def upload(self, source: Path, target: str, *, mode: int = 0o644, timeout: float = 600.0) -> None:
        """Stream a local file to `target`; it appears there whole, its sum checked, or not at all."""
        wait_for(self._upload(source, target, mode, timeout))

    async def _run(
        self,
        argv: Argv,
        given: Input,
        seconds: float,
        *,
        check: bool,
        secret: bool = False,
        own: bool = False,
    ) -> Completed:
        self._forget(own=own)
        try:
            outcome = await self._execute(argv, given, seconds, limit=not own)
        finally:
            self._forget(own=own)  # what was asked meanwhile may show the machine before this command
        done = _completed(argv, outcome)
        if check and not done.ok:
            raise self._failed(done, secret=secret)
        return done

    async def _execute(self, argv: Argv, given: Input, seconds: float, *, limit: bool = True) -> Outcome:
        """One command as root; its refusal by sudo and its being too slow are errors of their own."""
        privilege = self._privilege()
        command = limited(argv, seconds) if limit else argv
        try:
            outcome = await self._link.execute(command, given, privilege, seconds)
        except TimeoutError:
            raise self._late(argv, seconds) from None
        if outcome.exit_status in _TIMED_OUT and outcome.seconds >= seconds:
            raise self._late(argv, seconds)
        refused = privilege.refused(outcome.exit_status or 0, outcome.stderr)
        if refused:
            raise self._no_sudo(refused)
        return outcome

    async def _ask(self, questions: Sequence[Argv], *, prefetch: bool) -> list[Completed]:
        asked = [(batch.key(argv), argv) for argv in questions]
        self._apart |= {key for key, argv in asked if not is_ours(argv)}
        async with self._asking:
            answers = dict(self._answers)
            missing = [argv for key, argv in asked if key not in answers]
            if missing:
                answers |= await self._fetch(missing, prefetch=prefetch and not self._prefetched)
        return [answers[key].to(argv) for key, argv in asked]

    async def _fetch(self, questions: Sequence[Argv], *, prefetch: bool) -> dict[str, batch.Answer]:
        changes = self._changes
        asked = batch.Batch(questions=tuple(questions), prefetch=prefetch)
        try:
            answers = await self._put(asked)
        except ConnectionDropped:
            # Questions change nothing: they may be asked again over a new connection.
            answers = await self._put(asked)
        if changes == self._changes:
            self._answers |= answers
            self._prefetched = self._prefetched or prefetch
        return answers

    async def _put(self, asked: batch.Batch) -> dict[str, batch.Answer]:
        """Ask at full speed; of a machine where that took too long, from then on with a limit for each."""
        if not self._slow:
            try:
                if asked.alone:
                    return {batch.key(asked.alone): await self._put_alone(asked.alone)}
                return await self._put_script(asked, batch.TOGETHER_SECONDS)
            except TooSlow:
                self._slow = True
        return await self._put_script(replace(asked, seconds=batch.QUESTION_SECONDS), ASK_SECONDS)

    async def _put_alone(self, question: Argv) -> batch.Answer:
        """A question that is alone needs no script around it, which would cost the machine more than most do."""
        outcome = await self._execute(question, b"", batch.TOGETHER_SECONDS)
        return batch.Answer(
            exit_status=outcome.exit_status or 0, stdout=outcome.stdout, stderr=outcome.stderr
        )

    async def _put_script(self, asked: batch.Batch, seconds: float) -> dict[str, batch.Answer]:
        outcome = await self._execute(_SHELL, asked.script, seconds)
        answers = asked.parse(outcome.stdout)
        if answers is None or any(batch.key(argv) not in answers for argv in asked.questions):
            raise self._unanswered(outcome)
        return answers

    async def _upload(self, source: Path, target: str, mode: int, seconds: float) -> None:
        try:
            total = await asyncio.to_thread(sha256_of, source)
        except OSError as error:
            raise self._no_source(source, error) from None
        argv = receive(target, total, mode)
        done = await self._run(argv, pieces([source]), seconds, check=False)
        if not done.ok:
            raise self._failed(done, item=f"upload of {source.name} to {target}")

    def _pieces(self, given: Sequence[bytes | Path]) -> AsyncIterator[bytes]:
        """A command's input, streamed; a file that is not there is an error before the command runs."""
        for source in (one for one in given if isinstance(one, Path)):
            try:
                source.stat()
            except OSError as error:
                raise self._no_source(source, error) from None
        return pieces(given)

    def _forget(self, *, own: bool = False) -> None:
        """Drop the answers that may no longer hold; what the machine answered unasked we cannot tell apart."""
        self._changes += 1
        self._answers = {key: one for key, one in self._answers.items() if own and key in self._apart}

    def _privilege(self) -> Privilege:
        connection = self._link.connection
        password = environment.secret(environment.SUDO_PASSWORD, self.name)
        return Privilege(sudo=connection.sudo and connection.user != "root", password=password)

    def _failed(self, done: Completed, *, secret: bool = False, item: str = "") -> CommandFailed:
        """The error of a command's status; the whole of its standard error goes to the log."""
        hidden = environment.secrets(self.name)
        name = redacted(item or shown(done.argv), hidden)
        said = "" if secret else redacted(last_lines(done.stdout, done.stderr), hidden)
        if not secret:
            log.info("%s: %s: %s", self, name, redacted(done.stderr.decode("utf-8", "replace"), hidden))
        found = f"status {done.exit_status}" + (f", which said{said}" if said else "")
        if any(text in said for text in _FULL):
            room = "room on the machine's disk"
            return DiskFull(host=str(self), item=name, expected=room, found=found, next_step="df -h")
        return CommandFailed(
            host=str(self),
            item=name,
            expected="status 0",
            found=found,
            next_step=f"see it on the machine: {self._link.connection.by_hand}",
        )

    def _late(self, argv: Argv, seconds: float) -> TooSlow:
        return TooSlow(
            host=str(self),
            item=redacted(shown(argv), environment.secrets(self.name)),
            expected=f"an end within {seconds:g} s",
            found=f"a command that timed out after {seconds:g} s and was ended",
            next_step=f"see what holds it up: {self._link.connection.by_hand} ps -ef",
        )

    def _unanswered(self, outcome: Outcome) -> CommandFailed:
        return self._failed(_completed(_SHELL, outcome), item="questions (sh -s)")

    def _no_sudo(self, said: str) -> SudoRefused:
        user = self._link.connection.user
        own = environment.own_variable(environment.SUDO_PASSWORD, self.name)
        absent = "command not found" in said or "No such file" in said
        outside = "sudoers" in said or "not allowed" in said
        variables = f"{environment.SUDO_PASSWORD} or {own}"
        cure = f"set {variables} in the environment, or NOPASSWD for {user} in /etc/sudoers.d"
        if absent:
            cure = "as root on the machine: apt-get install sudo; or user: root in the connection"
        elif outside:
            cure = f"as root on the machine: usermod -aG sudo {user}"
        return SudoRefused(
            host=str(self), item=f"sudo as {user}", expected="root", found=f"refused: {said}", next_step=cure
        )

    def _no_source(self, source: Path, error: OSError) -> HostError:
        return HostError(
            host=str(self),
            item=f"sending {source.name}",
            expected=f"a file {source} on this machine",
            found=str(error.strerror),
            next_step=f"ls -l {source}",
        )


def _completed(argv: Argv, outcome: Outcome) -> Completed:
    status = outcome.exit_status or 0
    return Completed(argv=argv, exit_status=status, stdout=outcome.stdout, stderr=outcome.stderr)
