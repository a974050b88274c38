"""All machines at once: the one question to each over a connection of its own, and a short patience."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from config import Machine, Rack
from providers.core.errors import CommandFailed, HostError
from providers.facts.machine import Facts, parse
from providers.facts.script import question
from providers.preflight.rules_disk import holds_etcd
from providers.session import connection_of
from providers.ssh.connection import Connection
from providers.ssh.pool import Pool

_AT_ONCE = 256
_KEEPALIVE = 2
LOOKUP = "pkgs.k8s.io"
"""The name that a rack which installs from the internet must be able to resolve."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of a machine: its facts, or why there are none."""

    machine: Machine
    facts: Facts | None = None
    error: HostError | None = None
    offset: float = 0.0
    """Seconds that its clock is ahead of ours (behind: negative); 0 within the time that asking took."""


def look(rack: Rack, *, measure: bool = False) -> list[Seen]:
    """Look at every machine; with `measure`, also at the disks of members of etcd that are not prepared yet."""
    machines, pool = rack.machines(), Pool()

    def one(machine: Machine) -> Seen:
        lookup = "" if rack.artifacts else LOOKUP
        asked = question(lookup=lookup, measure=measure and holds_etcd(rack, machine))
        return see(pool, machine, list(asked), rack.preflight.timeout)

    try:
        with ThreadPoolExecutor(max_workers=min(len(machines), _AT_ONCE)) as threads:
            return list(threads.map(one, machines))
    finally:
        pool.close()


def see(pool: Pool, machine: Machine, asked: Sequence[str], timeout: int) -> Seen:
    """Ask one machine, once; whatever hinders it is part of the answer."""
    connection = impatient(Connection.parse(connection_of(machine)), timeout)
    before = time.time()
    host = pool.host(machine.name, connection)
    try:
        (answer,) = host.ask([tuple(asked)])
        facts = parse(answer.text)
    except HostError as error:
        return Seen(machine=machine, error=error)
    if facts is None:
        return Seen(machine=machine, error=_cut_short(str(host), connection))
    return Seen(machine=machine, facts=facts, offset=offset(before, facts.now, time.time()))


def impatient(connection: Connection, timeout: int) -> Connection:
    """The same connection, tried once and given up early; so is the way through a bastion."""
    bastion = impatient(connection.bastion, timeout) if connection.bastion else None
    return replace(connection, connect_timeout=timeout, deadline=0, keepalive=_KEEPALIVE, bastion=bastion)


def offset(before: float, there: float, after: float) -> float:
    """By how much a clock that was read between two moments here lies outside of them."""
    return min(there - before, 0.0) + max(there - after, 0.0)


def _cut_short(host: str, connection: Connection) -> HostError:
    return CommandFailed(
        host=host,
        item="facts",
        expected="an answer in full",
        found="one that was cut short, or took too long",
        next_step=f"{connection.by_hand} uptime",
    )
