"""How a machine is reached: SSH, with host keys checked; never passwords or key material."""

from __future__ import annotations

from config.base import Part
from config.scalars import HostKey, KeyFile, Location, Port, Seconds, UserName


class Bastion(Part):
    """A machine that the connection goes through."""

    address: Location
    """Name or address of the bastion."""
    port: Port = 22
    """Its SSH port."""
    user: UserName = ""
    """User there; without it, the machine's own."""
    identity_file: KeyFile = ""
    """Private key file for it; without it, the machine's own."""
    host_key: HostKey | None = None
    """Its public host key ("ssh-ed25519 AAAA..."); without it, the one kept in known_hosts."""


class Connection(Part):
    """How one machine is reached."""

    address: Location = ""
    """Name or address to connect to; without it, the machine's address."""
    port: Port = 22
    """SSH port."""
    user: UserName = "pi"
    """User on the machine."""
    identity_file: KeyFile = "~/.ssh/id_ed25519"
    """Private key file, relative to the program's directory or to home (~); "" for none, with an agent."""
    agent: bool = False
    """Whether the SSH agent's keys are tried as well."""
    bastion: Bastion | None = None
    """A machine that the connection goes through."""
    sudo: bool = True
    """Whether the user becomes root by sudo without a password (not needed for root itself)."""
    host_key: HostKey | None = None
    """The machine's public host key ("ssh-ed25519 AAAA..."); without it, the one kept in known_hosts."""
    known_hosts: str = ""
    """File of the host keys learned with `make trust`; without it, known_hosts.<stack>."""
    connect_timeout: Seconds = 10
    """Seconds for one attempt to connect."""
    deadline: Seconds = 120
    """Seconds until a machine that does not answer counts as unreachable."""
    keepalive: Seconds = 15
    """Seconds between signs of life on an idle connection."""
