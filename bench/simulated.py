"""Simulated machines: one SSH server of this process for all of them, each on an address of loopback.

Connections, logins, keys and ciphers are real. What a command does is not: its answer is played
back as it was learned from a real machine (playback.py), after the time that it took there and the
latency of a network. So these machines cost this computer what SSH costs and no more, and can be as
many as a rack may have; what they show is the cost on this side. A command that was not learned
ends with status 70 and is counted: such a run is no result.
"""

from __future__ import annotations

import asyncio
import shlex
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from bench.playback import Record, Reply, Unlearned
from bench.target import Target
from providers.ssh.shell import ARGV as SHELL

T = TypeVar("T")
UNLEARNED = 70
ALIVE = Reply(stdout=b"", stderr=b"", status=0, seconds=0)
"""To whoever asks whether the shell still answers."""
Model = Callable[[str, bytes], Awaitable[Reply]]
"""A real machine: takes a command line and its input."""


@dataclass
class Count:
    """What one simulated machine was asked: connections, commands (a round trip each), bytes, when.

    And the seconds that it let go by: for logins, for the network, for its own work.
    """

    connections: int = 0
    commands: int = 0
    sent: int = 0
    received: int = 0
    first: float = 0.0
    last: float = 0.0
    logins: float = 0.0
    network: float = 0.0
    work: float = 0.0

    @property
    def span(self) -> float:
        """Seconds from the first word with the machine to the last."""
        return self.last - self.first


@dataclass
class Machine:
    """One simulated machine."""

    target: Target
    count: Count = field(default_factory=Count)
    key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    history: str = ""
    model: Model | None = None
    """The real machine that it passes commands on to, while that is learned."""

    @property
    def reached(self) -> Target:
        """Its target with the host key that it shows."""
        return replace(self.target, host_key=" ".join(self.key.export_public_key().decode().split()[:2]))


def plan(count: int, port: int) -> list[Target]:
    """Simulated machines by number; names and addresses are all of one length, so none is part of another."""
    return [
        Target(
            name=f"sim-{number:04}",
            own_address=f"10.210.{100 + number // 100}.{100 + number % 100}",
            address=f"127.77.{100 + number // 100}.{100 + number % 100}",
            port=port,
        )
        for number in range(1, count + 1)
    ]


class _Server(asyncssh.SSHServer):
    _machine: Machine

    def __init__(self, machines: Simulated) -> None:
        self._machines = machines

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        machine = self._machines.at(str(conn.get_extra_info("sockname")[0]))
        conn.set_extra_info(machine=machine)
        machine.count.connections += 1
        machine.count.first = machine.count.first or time.monotonic()
        self._machine = machine

    async def begin_auth(self, username: str) -> bool:
        self._machine.count.logins += self._machines.login_seconds
        await asyncio.sleep(self._machines.login_seconds)
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True


class Simulated:
    """All simulated machines of one run, on a thread of their own."""

    def __init__(
        self, record: Record, targets: Sequence[Target], *, latency: float = 0.001, login_seconds: float = 0.0
    ) -> None:
        self.record = record
        self.latency = latency
        self.login_seconds = login_seconds
        self.pace = 1.0
        """What a machine's own seconds are multiplied by; 0 where only this side shall cost."""
        self.unlearned: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listeners: list[asyncssh.SSHAcceptor] = []
        self._machines = {one.address: Machine(one) for one in targets}
        self.do(self._listen())

    @property
    def machines(self) -> list[Machine]:
        """All of them, in order."""
        return list(self._machines.values())

    def at(self, address: str) -> Machine:
        """The machine at an address of loopback."""
        return self._machines[address]

    def begin(self, scenario: str) -> None:
        """All machines are as the real one was at the beginning of a scenario; counts begin anew."""
        self.unlearned.clear()
        for one in self._machines.values():
            one.history, one.count = scenario, Count()

    @property
    def processor_seconds(self) -> float:
        """What the machines' side of SSH has cost this computer so far."""
        return self.do(_thread_time())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the servers' thread and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """End all."""
        self.do(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _listen(self) -> None:
        for one in self._machines.values():
            listener = await asyncssh.listen(
                one.target.address,
                one.target.port,
                server_host_keys=[one.key],
                server_factory=lambda: _Server(self),
                process_factory=self._serve,
                encoding=None,
                backlog=128,
                login_timeout=600,
            )
            self._listeners.append(listener)

    async def _shut(self) -> None:
        for one in self._listeners:
            one.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        machine: Machine = process.get_extra_info("machine")
        line = process.command or ""
        with suppress(OSError, asyncssh.Error, asyncio.IncompleteReadError):
            if line.endswith(shlex.join(SHELL)):
                await self._serve_shell(machine, process)
                return
            reply = await self._answer(machine, line, await process.stdin.read())
            process.stdout.write(reply.stdout)
            process.stderr.write(reply.stderr)
            process.exit(reply.status)

    async def _serve_shell(self, machine: Machine, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """The program's shell for many commands (providers/ssh/shell.py): the real machine gets each alone."""
        become = (process.command or "").removesuffix(shlex.join(SHELL))
        while head := await process.stdin.readline():
            mark, _, length = head.decode().strip().partition(" ")
            line = (await process.stdin.readline()).decode().rstrip("\n").replace("'\"$n\"'", "\n")
            given = await process.stdin.readexactly(int(length))
            reply = ALIVE if line == "true" else await self._answer(machine, become + line, given)
            process.stdout.write(reply.stdout + f"\n{mark} {reply.status}\n".encode())
            process.stderr.write(reply.stderr + f"\n{mark}\n".encode())

    async def _answer(self, machine: Machine, line: str, stdin: bytes) -> Reply:
        machine.count.commands += 1
        reply = await self._reply(machine, line, stdin)
        machine.count.sent += len(line) + len(stdin)
        machine.count.received += len(reply.stdout) + len(reply.stderr)
        machine.count.last = time.monotonic()
        return reply

    async def _reply(self, machine: Machine, line: str, stdin: bytes) -> Reply:
        if machine.model:
            reply = await machine.model(line, stdin)
            machine.history = self.record.learn(machine.target, machine.history, line, stdin, reply)
            return reply
        try:
            reply, machine.history = self.record.play(machine.target, machine.history, line, stdin)
        except Unlearned as error:
            self.unlearned.append(str(error))
            return Reply(stdout=b"", stderr=f"not learned: {error}\n".encode(), status=UNLEARNED, seconds=0)
        work = reply.seconds * self.pace
        machine.count.network += self.latency
        machine.count.work += work
        await asyncio.sleep(self.latency + work)
        return reply


async def _thread_time() -> float:
    return time.thread_time()


def by_ssh(target: Target, user: str, identity: Path, options: Sequence[str], control: Path) -> Model:
    """A real machine behind one connection of OpenSSH, opened by the first command."""

    async def execute(line: str, stdin: bytes) -> Reply:
        shared = ["-oControlMaster=auto", f"-oControlPath={control}", "-oControlPersist=300"]
        where = ["-i", str(identity), "-p", str(target.port), f"{user}@{target.address}"]
        return await run(["ssh", *options, *shared, *where, line], stdin)

    return execute


async def run(argv: Sequence[str], stdin: bytes) -> Reply:
    """A command on this machine, and how long it took."""
    begun = asyncio.get_running_loop().time()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe)
    out, err = await process.communicate(stdin)
    seconds = asyncio.get_running_loop().time() - begun
    return Reply(stdout=out, stderr=err, status=process.returncode or 0, seconds=seconds)
