"""All machines at once: the one question to each, with a short patience."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from config import Machine, Rack
from providers.core.errors import CommandFailed, HostError
from providers.core.host import Argv
from providers.facts.machine import Facts, parse
from providers.facts.script import question
from providers.preflight.rules_disk import holds_etcd
from providers.reaching import connection_of
from providers.ssh.pool import Pool
from providers.ssh.ssh_host import SshHost

_AT_ONCE = 256
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


def look(rack: Rack, pool: Pool, *, measure: bool = False) -> list[Seen]:
    """Look at every machine; with `measure`, also at the disks of members of etcd that are not prepared yet."""
    machines, lookup = rack.machines(), "" if rack.artifacts else LOOKUP
    hosts = [pool.host(one.name, connection_of(one)) for one in machines]

    def one(machine: Machine, host: SshHost) -> Seen:
        return see(host, machine, question(lookup=lookup, measure=measure and holds_etcd(rack, machine)))

    with (
        pool.impatient(rack.preflight.timeout),
        ThreadPoolExecutor(max_workers=min(len(machines), _AT_ONCE)) as threads,
    ):
        return list(threads.map(one, machines, hosts))


def see(host: SshHost, machine: Machine, asked: Argv) -> Seen:
    """Ask one machine, once; whatever hinders it is part of the answer."""
    before = time.time()
    try:
        (answer,) = host.ask([asked])
        facts = parse(answer.text)
    except HostError as error:
        return Seen(machine=machine, error=error)
    if facts is None:
        return Seen(machine=machine, error=_cut_short(host, machine))
    return Seen(machine=machine, facts=facts, offset=offset(before, facts.now, time.time()))


def offset(before: float, there: float, after: float) -> float:
    """By how much a clock that was read between two moments here lies outside of them."""
    return min(there - before, 0.0) + max(there - after, 0.0)


def _cut_short(host: SshHost, machine: Machine) -> HostError:
    return CommandFailed(
        host=str(host),
        item="facts",
        expected="an answer in full",
        found="one that was cut short, or took too long",
        next_step=f"{connection_of(machine).by_hand} uptime",
    )
