"""Why a command failed, from what it said: full disks, networks, locks and the like, with the next step."""

from __future__ import annotations

import re
from dataclasses import dataclass

from providers.core.errors import CommandFailed, DiskFull, HostError
from providers.core.host import Completed, Host

_LINES = 10


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A known cause: how it shows, what was expected, what to type next, and the error it makes."""

    pattern: re.Pattern[str]
    expected: str
    next_step: str
    error: type[HostError] = CommandFailed


def _cause(pattern: str, expected: str, next_step: str, error: type[HostError] = CommandFailed) -> Cause:
    compiled = re.compile(pattern, re.IGNORECASE)
    return Cause(pattern=compiled, expected=expected, next_step=next_step, error=error)


CAUSES = (
    _cause(
        r"no space left on device|don't have enough free space|not enough space|disk quota exceeded",
        "free space on the disk",
        "df -h; then free space, for example with `apt-get clean`, and run pulumi up again",
        DiskFull,
    ),
    _cause(
        r"could not get lock|(is|was) locked by another process|unable to lock",
        "the lock of dpkg within the time",
        "see the named process with ps, let it end, and run pulumi up again",
    ),
    _cause(
        r"read-only file system",
        "a file system that can be written",
        "dmesg | tail -30, on the machine: a failing SD card is mounted read-only",
    ),
    _cause(
        r"no_pubkey|is not signed|does not have a release file|expkeysig"
        r"|signatures (were invalid|couldn't be verified)",
        "a repository signed by its configured key (or marked as trusted)",
        "correct the repository's key in the stack file",
    ),
    _cause(
        r"temporary failure resolving|could not resolve|name or service not known",
        "a name server that answers",
        "getent hosts with the named host, on the machine; then check its network",
    ),
    _cause(
        r"certificate is not yet valid|certificate verification failed|not valid yet|certificate has expired",
        "a certificate that is valid now",
        "date, on the machine: the clock may be off",
    ),
    _cause(
        r"unable to locate package|no installation candidate|version '.*' for '.*' was not found"
        r"|no matching packages|unable to find a match",
        "a package that the configured repositories offer",
        "apt-cache policy (or tdnf list) with its name, on the machine; then correct version or repository",
    ),
    _cause(
        r"failed to (fetch|download)|could not connect|failed to connect|connection (timed out|refused)|network is "
        r"unreachable|404 +not found|returned error: 404",
        "an address that can be reached",
        "curl -I with the named address, on the machine; then run pulumi up again",
    ),
    _cause(
        r"unmet dependencies|held broken packages|dpkg was interrupted|error processing package",
        "packages in a consistent state",
        "dpkg --audit; apt-get -f install, on the machine; then run pulumi up again",
    ),
)
"""In the order in which they tell most: a full disk also makes packages inconsistent."""


def explain(host: Host, item: str, done: Completed) -> HostError:
    """The error for a command that failed: a known cause by name, else the end of what it said."""
    said = (done.stderr + b"\n" + done.stdout).decode("utf-8", "replace").strip()
    lines = [line.strip() for line in said.splitlines()]
    for cause in CAUSES:
        telling = [line for line in lines if cause.pattern.search(line)]
        if telling:
            found = "; ".join(dict.fromkeys(telling[:3]))
            return cause.error(
                host=str(host), item=item, expected=cause.expected, found=found, next_step=cause.next_step
            )
    return CommandFailed(
        host=str(host),
        item=item,
        expected="success",
        found="\n".join(lines[-_LINES:]) or f"status {done.exit_status} and no message",
        next_step="read the message, mend the cause on the machine, and run pulumi up again",
    )


def check(host: Host, item: str, done: Completed) -> None:
    """Raise the explained error of a command that failed."""
    if not done.ok:
        raise explain(host, item, done)
