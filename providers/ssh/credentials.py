"""What a connection offers to be let in: keys, an agent, passwords."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from providers.core.errors import CredentialsMissing
from providers.ssh.connection import Connection
from providers.ssh.environment import KEY_PASSPHRASE, SSH_PASSWORD, own_variable, secret
from providers.ssh.known_hosts import digest

_AGENT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Keys in the order they are offered, each with where it comes from; a password or nothing."""

    keys: Sequence[tuple[asyncssh.SSHKeyPair, str]]
    password: str
    agent: asyncssh.SSHAgentClient | None

    def __str__(self) -> str:
        """What is offered, as errors show it."""
        shown = [f"{digest(key.public_data)} ({origin})" for key, origin in self.keys]
        return ", ".join([*shown, *(["a password"] if self.password else [])])

    def close(self) -> None:
        """Leave the agent alone, once the login is done."""
        if self.agent:
            self.agent.close()


async def gather(connection: Connection, name: str, host: str) -> Credentials:
    """Everything the connection may offer; CredentialsMissing when there is nothing to offer."""
    passphrase = secret(KEY_PASSPHRASE, name)
    keys = await asyncio.to_thread(_own_keys, connection, passphrase, name, host)
    agent = await _agent(host) if connection.agent else None
    if agent:
        keys += [(pair, "agent") for pair in await _agent_keys(agent, host)]
    password = secret(SSH_PASSWORD, name)
    if not keys and not password:
        cure = f"set identity_file or {SSH_PASSWORD}"
        raise _missing(host, "a key, an agent's key or a password", "none", cure)
    return Credentials(keys=keys, password=password, agent=agent)


def _own_keys(
    connection: Connection, passphrase: str, name: str, host: str
) -> list[tuple[asyncssh.SSHKeyPair, str]]:
    path = connection.identity_file
    if not path:
        return []
    try:
        pairs = asyncssh.load_keypairs(str(Path(path).expanduser()), passphrase or None)
        return [(pair, path) for pair in pairs]
    except FileNotFoundError:
        cure = "ssh-keygen, or correct identity_file"
        raise _missing(host, f"the key file {path}", "no such file", cure) from None
    except OSError as error:
        found = str(error.strerror)
        raise _missing(host, f"a readable key file {path}", found, f"ls -l {path}") from None
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        if connection.agent and not passphrase:
            return []  # the agent has been given the key, decrypted
        raise _unusable(path, passphrase, name, host, str(error)) from None


def _unusable(path: str, passphrase: str, name: str, host: str, reason: str) -> CredentialsMissing:
    variable = own_variable(KEY_PASSPHRASE, name)
    cure = f"set {KEY_PASSPHRASE} or {variable} in the environment, or use an agent (agent: true)"
    if "passphrase must be specified" in reason.lower():
        return _missing(host, f"a passphrase for the key file {path}", "none", cure)
    if passphrase:
        found = f"one that does not open it ({reason})"
        return _missing(host, f"the passphrase of the key file {path}", found, cure)
    return _missing(host, f"a private key in {path}", reason, f"ssh-keygen -y -f {path}")


async def _agent(host: str) -> asyncssh.SSHAgentClient:
    path = os.environ.get("SSH_AUTH_SOCK", "")
    cure = "eval $(ssh-agent) && ssh-add, or set agent: false"
    if not path:
        raise _missing(host, "an agent (agent: true)", "SSH_AUTH_SOCK is not set", cure)
    try:
        async with asyncio.timeout(_AGENT_SECONDS):
            return await asyncssh.connect_agent(path)
    except (OSError, asyncssh.Error) as error:
        raise _missing(host, f"an agent at {path}", str(error) or "no answer", cure) from None


async def _agent_keys(agent: asyncssh.SSHAgentClient, host: str) -> Sequence[asyncssh.SSHKeyPair]:
    try:
        async with asyncio.timeout(_AGENT_SECONDS):
            return await agent.get_keys()
    except (OSError, ValueError, asyncssh.Error) as error:
        found = str(error) or "no answer"
        raise _missing(host, "an agent that lists its keys", found, "ssh-add -l") from None


def _missing(host: str, expected: str, found: str, next_step: str) -> CredentialsMissing:
    return CredentialsMissing(
        host=host, item="credentials", expected=expected, found=found, next_step=next_step
    )
