"""The user's own one-shot steps, by pulumi-command.

Its connections ignore host keys unless told one, so it is always told; and a step has no drift: it
runs when it is new, when its text or input changes, and when the connection does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
from pulumi_command import remote

from config import Machine
from providers.core.errors import HostKeyUnknown
from providers.reaching import connection_of
from providers.ssh.connection import Connection


def _host_key(connection: Connection) -> str:
    known = connection.host_key or _recorded(connection)
    if not known:
        raise HostKeyUnknown(
            host=connection.address,
            item="host key",
            expected="one that is pinned or learned, before a command runs there",
            found="none",
            next_step=f"make trust STACK={pulumi.get_stack()}",
        )
    return known if isinstance(known, str) else known[0]


def _recorded(connection: Connection) -> list[str]:
    # brings an SSH client, which no other part of the program needs
    from providers.ssh.hostkeys import recorded

    return recorded(Path(connection.known_hosts), connection.address, connection.port)


def _credentials(connection: Connection) -> dict[str, Any]:
    given: dict[str, Any] = {
        "host": connection.address,
        "port": float(connection.port),
        "user": connection.user,
        "host_key": _host_key(connection),
    }
    if connection.identity_file:
        text = Path(connection.identity_file).expanduser().read_text()
        given["private_key"] = pulumi.Output.secret(text)
    return given


def _connection(connection: Connection) -> remote.ConnectionArgs:
    proxy = None
    if connection.bastion:
        proxy = remote.ProxyConnectionArgs(**_credentials(connection.bastion))
    return remote.ConnectionArgs(
        **_credentials(connection), proxy=proxy, per_dial_timeout=15, dial_error_limit=8
    )


def run_commands(machine: Machine, parent: pulumi.Resource, needs: pulumi.Resource) -> None:
    """One Command for each entry of the machine's `commands`, in order."""
    for one in machine.commands:
        secret = one.secret
        needs = remote.Command(
            f"{machine.name}-{one.name}",
            connection=_connection(connection_of(machine)),
            create=one.create,
            update=one.update,
            delete=one.delete,
            stdin=pulumi.Output.secret(one.stdin) if one.stdin and secret else one.stdin,
            environment=dict(one.environment) or None,
            triggers=list(one.triggers) or None,
            logging=remote.Logging.NONE if secret else remote.Logging.STDOUT_AND_STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(
                parent=parent,
                depends_on=[needs],
                additional_secret_outputs=["stdout", "stderr"] if secret else None,
            ),
        )
