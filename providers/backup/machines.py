"""Which machines of a rack hold etcd, and the connections to them, for the commands of this package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from config import Machine, Rack
from providers.core.host import Host
from providers.reaching import connection_of
from providers.ssh.pool import Pool

T = TypeVar("T")


class CommandRack:
    """The machines as the stack file gives them, for a command that Pulumi does not run."""

    def __init__(self, rack: Rack, hosts: Mapping[str, Host]) -> None:
        self._rack = rack
        self._hosts = hosts

    def control_planes(self) -> Sequence[str]:
        """Names of the control planes, in the order of the file."""
        return [one.name for one in self._rack.control_planes()]

    def etcd_members(self) -> Sequence[str]:
        """Names of the machines of an external etcd."""
        return list(self._rack.etcd_members)

    def configured(self, machine: str) -> bool:
        """Whether the stack file lists the machine."""
        return machine in {one.name for one in self._rack.machines()}

    def host(self, machine: str) -> Host:
        """The connection to a machine."""
        return self._hosts[machine]


def members_of(rack: Rack) -> Sequence[Machine]:
    """The machines that hold an etcd member."""
    return tuple(rack.etcd_members.values()) or rack.control_planes()


@contextmanager
def connected(rack: Rack) -> Iterator[CommandRack]:
    """Connections to the control planes and etcd's machines, opened when they are used."""
    pool = Pool()
    machines = {one.name: one for one in (*rack.control_planes(), *members_of(rack))}
    try:
        yield CommandRack(
            rack,
            {name: pool.host(name, connection_of(one)) for name, one in machines.items()},
        )
    finally:
        pool.close()


def on_each(hosts: Sequence[Host], act: Callable[[Host], T]) -> list[T]:
    """Do something on all machines at once; the first error is raised after all have ended."""
    if not hosts:
        return []
    with ThreadPoolExecutor(max_workers=len(hosts)) as threads:
        return list(threads.map(act, hosts))
