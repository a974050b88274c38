"""SSH connections of the `command` plugin: keys, passwords, agent, bastion, retries."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncssh

from toolchain.plugins.protocol import Failure

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.1, 5.0, 1.5
"""Seconds between attempts, and how they grow (the official plugin's own)."""
KEEPALIVE_SECONDS, KEEPALIVES_LOST = 15, 4
"""A machine that is silent for a minute while a command runs counts as gone."""
UNLIMITED = -1
Log = Callable[[str], None]
Values = Mapping[str, Any]
Attempt = Callable[[], Awaitable[asyncssh.SSHClientConnection]]


class Credentials(asyncssh.SSHClient):
    """Offers keys, then the password, and remembers which ways the server let it try."""

    def __init__(self, user_keys: list[Any], password: str | None) -> None:
        """Take the key pairs to offer in order, and the password if there is one."""
        self._keys = list(user_keys)
        self._password = password
        self.attempted = ["none"]

    def public_key_auth_requested(self) -> Any:
        """Return the next key, or nothing."""
        if not self._keys:
            return None
        if "publickey" not in self.attempted:
            self.attempted.append("publickey")
        return self._keys.pop(0)

    def password_auth_requested(self) -> Any:
        """Return the password once."""
        return self._password if self._first("password") else None

    def kbdint_auth_requested(self) -> Any:
        """Say once that there is a password to answer questions with: asyncssh asks again when it was wrong."""
        return "" if self._first("keyboard-interactive") else None

    def kbdint_challenge_received(self, name: str, instructions: str, lang: str, prompts: Any) -> Any:
        """Answer every question with the password."""
        return [self._password for _ in prompts]

    def _first(self, method: str) -> bool:
        """Whether there is a password that was not tried in this way yet."""
        if self._password is None or method in self.attempted:
            return False
        self.attempted.append(method)
        return True


@asynccontextmanager
async def dialled(connection: Values, log: Log) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Open a connection, through a bastion where one is given, and close it afterwards; raises Failure."""
    proxy = connection.get("proxy")
    if proxy is None:
        made = await _retried(connection, "Dial", log, lambda: _attempt(connection, None))
        async with made:
            yield made
        return
    try:
        bastion = await _retried(proxy, "Dial proxy", log, lambda: _attempt(proxy, None))
    except Failure as failure:
        raise Failure(f"proxy: {failure.message}") from failure
    async with bastion:
        try:
            through = functools.partial(_attempt, connection, bastion)
            made = await _retried(connection, "Dial from proxy", log, through)
        except Failure as failure:
            raise Failure(f"proxy: {failure.message}") from failure
        async with made:
            yield made


async def _retried(connection: Values, what: str, log: Log, attempt: Attempt) -> asyncssh.SSHClientConnection:
    """Dial until it works or the limit of failed attempts is passed, which counts from the second on."""
    limit, pause, failed = connection["dialErrorLimit"], FIRST_PAUSE, 0
    while True:
        try:
            return await attempt()
        except (OSError, TimeoutError, asyncssh.Error) as error:
            if limit != UNLIMITED and failed >= limit:
                raise Failure(f"after {failed} failed attempts: {_words(error, connection)}") from error
        failed += 1
        log(f"{what} {failed}/{'inf' if limit == UNLIMITED else limit} failed: retrying")
        await asyncio.sleep(pause)
        pause = min(pause * GROWTH, LONGEST_PAUSE)


async def _attempt(
    connection: Values, tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    seconds = connection["perDialTimeout"] or None
    keys = [_private_key(connection)] if connection.get("privateKey") is not None else []
    agent = await _agent(connection)
    try:
        offered = [*keys, *(await agent.get_keys() if agent else ())]
        credentials = Credentials(offered, connection.get("password"))
        opening = asyncssh.connect(
            connection["host"], int(connection["port"]), username=connection["user"], tunnel=tunnel,
            client_factory=lambda: credentials, client_keys=None, agent_path=None, config=None,
            keepalive_interval=KEEPALIVE_SECONDS, keepalive_count_max=KEEPALIVES_LOST,
            known_hosts=_known_hosts(connection), login_timeout=seconds or 0,
            **_host_key_algorithms(connection),
        )  # fmt: skip
        return await asyncio.wait_for(opening, seconds)
    except asyncssh.PermissionDenied as error:
        tried = " ".join(credentials.attempted)
        raise Refused(tried) from error
    finally:
        if agent:
            agent.close()


class Refused(OSError):
    """The server refused every way to authenticate that was tried."""

    def __init__(self, tried: str) -> None:
        """Take the names of the ways, separated by spaces."""
        super().__init__(
            f"ssh: handshake failed: ssh: unable to authenticate, attempted methods [{tried}], "
            "no supported methods remain"
        )


def _private_key(connection: Values) -> asyncssh.SSHKey:
    text = connection["privateKey"]
    if "-----BEGIN " not in text:
        raise Failure("ssh: no key found")
    try:
        return asyncssh.import_private_key(text, connection.get("privateKeyPassword"))
    except asyncssh.KeyEncryptionError as error:
        raise Failure(f"ssh: cannot decrypt the private key: {error}") from error
    except asyncssh.KeyImportError as error:
        if "assphrase" in str(error):
            raise Failure("ssh: this private key is passphrase protected") from error
        raise Failure(f"ssh: {error}") from error


async def _agent(connection: Values) -> asyncssh.SSHAgentClient | None:
    path = connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK")
    if not path:
        return None
    try:
        return await asyncssh.connect_agent(path)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise Failure(f"dial unix {path}: connect: {reason}") from error


def _host_key(connection: Values) -> asyncssh.SSHKey | None:
    text = connection.get("hostKey")
    if text is None:
        return None
    try:
        return asyncssh.import_public_key(text)
    except asyncssh.KeyImportError as error:
        raise Failure(f"failed to parse host key: {error}") from error


def _known_hosts(connection: Values) -> Any:
    """Return the one trusted key; without one every key is taken, as the official plugin does."""
    key = _host_key(connection)
    return None if key is None else ([key], [], [])


def _host_key_algorithms(connection: Values) -> dict[str, Any]:
    """Ask for the pinned kind of key only, or a server with several shows another."""
    key = _host_key(connection)
    if key is None:
        return {}
    kind = key.get_algorithm()
    algorithms = ["rsa-sha2-512", "rsa-sha2-256"] if kind == "ssh-rsa" else [kind]
    return {"server_host_key_algs": algorithms}


def _words(error: Exception, connection: Values) -> str:
    """Return the error as Go's network and SSH libraries put it."""
    place = f"{connection['host']}:{int(connection['port'])}"
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {connection['host']}: no such host"
    if isinstance(error, TimeoutError):
        return f"dial tcp {place}: i/o timeout"
    if isinstance(error, OSError) and error.errno:
        return f"dial tcp {place}: connect: {os.strerror(error.errno).lower()}"
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "ssh: handshake failed: ssh: host key mismatch"
    return f"ssh: handshake failed: {error}"
