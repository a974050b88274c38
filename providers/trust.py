"""`python -m providers.trust STACK`: learn the host keys of a rack, once and on request.

Keys that are pinned in the stack file or known already are left alone: a key that changed is an
error that the user looks into, not something to be learned over.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from config import ConfigurationError, Machine, load_file
from providers.core.errors import HostError
from providers.reaching import connection_of
from providers.ssh.connection import Connection
from providers.ssh.hostkeys import fingerprint, known_hosts_line, learn, recorded


def places(machines: tuple[Machine, ...]) -> Iterator[tuple[str, Connection]]:
    """Every machine and bastion whose key is not pinned in the stack file, each once."""
    seen = set()
    for machine in machines:
        connection = connection_of(machine)
        for name, one in ((machine.name, connection), (f"{machine.name}'s bastion", connection.bastion)):
            if one and not one.host_key and (one.address, one.port) not in seen:
                seen.add((one.address, one.port))
                yield name, one


def trust(name: str, connection: Connection) -> tuple[str, str]:
    """One line for the user, and the line to add to known_hosts ("" when there is nothing to add)."""
    known = recorded(Path(connection.known_hosts), connection.address, connection.port)
    if known:
        return f"{name:<16} {connection.address:<16} known    {fingerprint(known[0])}", ""
    try:
        key = learn(connection, name)
    except HostError as error:
        return f"{name:<16} {connection.address:<16} failed   {error}", ""
    line = known_hosts_line(connection.address, connection.port, key)
    return f"{name:<16} {connection.address:<16} learned  {fingerprint(key)}", line


def main(stack: str) -> int:
    """Learn what is missing, show every fingerprint, and keep the keys; 1 when a machine failed."""
    try:
        rack = load_file(Path(f"Pulumi.{stack}.yaml"))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    todo = list(places(rack.machines()))
    with ThreadPoolExecutor(max_workers=max(len(todo), 1)) as pool:
        results = list(pool.map(lambda place: trust(*place), todo))
    for (said, line), (_, connection) in zip(results, todo, strict=True):
        print(said)
        if line:
            with Path(connection.known_hosts).open("a") as file:
                file.write(line.rstrip("\n") + "\n")
    print("Compare these with what each board shows: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
    return int(any(" failed " in said for said, _ in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
