"""Each way in which a connection fails, as its own error."""

from __future__ import annotations

import errno
import re
import socket
from dataclasses import dataclass

import asyncssh

from providers.core.errors import (
    CredentialsRefused,
    HostError,
    HostKeyChanged,
    HostKeyUnknown,
    NotSsh,
    Unreachable,
)
from providers.ssh.connection import Connection
from providers.ssh.known_hosts import Trusted, entry, fingerprint, line

_STILL_BOOTING = "pam_nologin"
_PROHIBITED = 1
"""SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254, 5.1)."""
_NO_ROUTE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


@dataclass
class Witness:
    """What one attempt to connect has seen so far."""

    connected: bool = False
    version: str = ""
    presented: asyncssh.SSHKey | None = None
    banner: str = ""
    offered: str = ""


@dataclass(frozen=True, kw_only=True)
class Failures:
    """The errors of one machine's connection."""

    host: str
    connection: Connection
    trusted: Trusted

    def of(self, error: BaseException, seen: Witness) -> HostError:
        """The error that an exception of the network or of asyncssh stands for."""
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return self.host_key(error, seen)
        if isinstance(error, asyncssh.ChannelOpenError):
            return self.beyond_bastion(error)
        if isinstance(error, asyncssh.Error):
            return self.protocol(error, seen)
        timed_out = isinstance(error, TimeoutError) and not error.errno
        return self.hung(seen) if timed_out and seen.connected else self.network(error)

    def network(self, error: BaseException) -> HostError:
        """No TCP connection came about."""
        address, number = self.connection.address, getattr(error, "errno", None)
        if isinstance(error, socket.gaierror):
            found, cure = f"a name that is not resolved ({error.strerror})", f"getent hosts {address}"
        elif number == errno.ECONNREFUSED:
            found = "connection refused"
            cure = f"on its console: systemctl status ssh, and see that it listens on {self.connection.port}"
        elif number in _NO_ROUTE:
            found, cure = "no route to host", f"ip route get {address}"
        elif isinstance(error, TimeoutError):
            found, cure = "no answer (timed out)", f"see that it is powered and connected: ping {address}"
        else:
            found, cure = str(error), f"ping {address}"
        return self._unreachable(found, cure)

    def hung(self, seen: Witness) -> HostError:
        """The connection came about and the login did not end in time."""
        limit = f"within {self.connection.connect_timeout} s"
        if seen.version:
            found = f"{seen.version}, which did not finish the login {limit} (timed out)"
        else:
            found = f"a server that accepts connections and says nothing {limit} (timed out)"
        return self._unreachable(found, f"nc {self.connection.address} {self.connection.port}")

    def not_ssh(self, said: bytes) -> HostError:
        """Something answered and it is not SSH; sshd's own refusals of new connections are only a pause."""
        text = said.decode("utf-8", "replace").splitlines()[0] if said.strip() else "nothing"
        if not said or text.startswith(("Exceeded MaxStartups", "Not allowed at this time")):
            found = f"a connection closed before SSH began ({text})"
            return self._unreachable(found, self.connection.by_hand)
        return NotSsh(
            host=self.host,
            item=f"port {self.connection.port}",
            expected="an SSH server",
            found=f"one that says {text[:60]!r}",
            next_step="correct address or port in the configuration",
        )

    def protocol(self, error: asyncssh.Error, seen: Witness) -> HostError:
        """The SSH protocol came to an end before the login was done."""
        if isinstance(error, asyncssh.PermissionDenied) or "authentication failures" in error.reason:
            return self.credentials(seen)
        if isinstance(error, asyncssh.ConnectionLost):
            if _STILL_BOOTING in seen.banner:
                return self._unreachable("a machine that is booting or shutting down", "wait, then try again")
            found = f"a connection closed during the login ({error.reason})"
            return self._unreachable(found, self.connection.by_hand)
        return NotSsh(
            host=self.host,
            item=f"SSH on port {self.connection.port}",
            expected="a server with a protocol in common",
            found=error.reason,
            next_step=f"{self.connection.by_hand} -v",
        )

    def credentials(self, seen: Witness) -> HostError:
        """The machine let nobody in."""
        return CredentialsRefused(
            host=self.host,
            item=f"login as {self.connection.user}",
            expected="one of the credentials to be accepted",
            found=f"refused: {seen.offered}",
            next_step=f"{self.connection.by_hand} true; then correct user or identity_file, or ssh-copy-id",
        )

    def host_key(self, error: asyncssh.HostKeyNotVerifiable, seen: Witness) -> HostError:
        """The machine shows a key that is not trusted: another one than known, or none is known."""
        key = line(seen.presented) if seen.presented else ""
        shown = f"{key.split()[0]} {fingerprint(key)}" if key else error.reason
        if not self.trusted.keys and not self.trusted.authorities and not self.trusted.revoked:
            return HostKeyUnknown(
                host=self.host,
                item="host key",
                expected="a key pinned in host_key or known_hosts",
                found=f"none; the machine shows {shown}",
                next_step=f"compare it on the machine's console, then: make trust STACK={self._stack()}",
            )
        known = ", ".join(f"{one.split()[0]} {fingerprint(one)}" for one in self.trusted.lines)
        return HostKeyChanged(
            host=self.host,
            item="host key",
            expected=f"{known or 'a key signed by a trusted authority'} (pinned in {self.trusted.pinned_in})",
            found=shown,
            next_step=self._unpin(),
        )

    def beyond_bastion(self, error: asyncssh.ChannelOpenError) -> HostError:
        """The bastion is there and does not reach the machine."""
        bastion = self.connection.bastion
        target = bastion.target if bastion else "?"
        if error.code == _PROHIBITED:
            return NotSsh(
                host=self.host,
                item=f"bastion {target}",
                expected="a bastion that forwards TCP",
                found="one that refuses to (administratively prohibited)",
                next_step=f"set AllowTcpForwarding yes in sshd_config of {target}",
            )
        found = re.sub(r"^open failed: |^connect failed: ", "", error.reason).lower() or "no connection"
        return self._unreachable(f"{found}, seen from the bastion {target}", self.connection.by_hand)

    def bastion(self, error: HostError) -> HostError:
        """The bastion itself failed, in a way that the error says."""
        target = self.connection.bastion.target if self.connection.bastion else ""
        return type(error)(
            host=self.host,
            item=f"bastion {target}: {error.item}",
            expected=error.expected,
            found=error.found,
            next_step=error.next_step,
        )

    def _unreachable(self, found: str, cure: str) -> Unreachable:
        return Unreachable(
            host=self.host,
            item=f"ssh to {self.connection.target}",
            expected="an SSH server",
            found=found,
            next_step=cure,
        )

    def _stack(self) -> str:
        return self.connection.known_hosts.rpartition("known_hosts.")[2] or "<stack>"

    def _unpin(self) -> str:
        own = "if the machine was installed anew"
        if self.connection.host_key:
            return f"{own}, put the new key into host_key; if not, someone is in between"
        name = entry(self.connection.address, self.connection.port)
        forget = f"ssh-keygen -R '{name}' -f {self.connection.known_hosts}"
        return f"{own}: {forget} && make trust STACK={self._stack()}; if not, someone is in between"
