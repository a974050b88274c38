"""The way to a machine, as the configuration has it."""

from __future__ import annotations

from config import Machine
from providers.ssh.connection import Connection


def connection_of(machine: Machine) -> Connection:
    """The connection to a configured machine."""
    return Connection.parse(machine.connection_json())
