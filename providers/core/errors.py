"""Errors that name the host, the item, what was expected and found, and the next step to type."""

from __future__ import annotations


class HostError(Exception):
    """Something that went wrong on, or on the way to, one machine."""

    def __init__(self, *, host: str, item: str, expected: str, found: str, next_step: str) -> None:
        self.host = host
        self.item = item
        self.expected = expected
        self.found = found
        self.next_step = next_step
        super().__init__(f"{host}: {item}: expected {expected}, found {found}. Next: {next_step}")


class Unreachable(HostError):
    """The machine did not answer until the deadline: off, wrong address, or a network in between."""


class CredentialsRefused(HostError):
    """The machine answered and refused the user, the key or the password."""


class HostKeyUnknown(HostError):
    """No host key is pinned for the machine, and learning it was not asked for."""


class HostKeyChanged(HostError):
    """The machine shows another host key than the pinned one; never retried."""


class ConnectionDropped(HostError):
    """The connection ended while a command was running; whether the command finished is unknown."""


class CommandFailed(HostError):
    """A command ran and exited with another status than 0, or did not end in time."""


class TooSlow(CommandFailed):
    """A command did not end in time, and was ended."""


class StillDiffers(HostError):
    """A change was made and the machine, asked again, still shows something else."""


class Refused(HostError):
    """A change that would harm the machine or the cluster was not made."""


class Unobservable(HostError):
    """What a thing manages cannot be seen now, for example because the API does not answer."""


class NotSsh(Unreachable):
    """Something answers that is no SSH server, or none that we can talk to; never retried."""


class CredentialsMissing(CredentialsRefused):
    """The key, the agent or the password to offer is not there; the machine was not asked."""


class SudoRefused(CredentialsRefused):
    """The user logged in and may not become root."""


class DiskFull(CommandFailed):
    """A command or an upload ended because a file system on the machine is full."""
