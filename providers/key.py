"""`python -m providers.key STACK`: an SSH key for a rack, and its way to boards that only know a password.

The password comes from HELICON_SSH_PASSWORD (or HELICON_SSH_PASSWORD_<MACHINE>) or a prompt, never from
the configuration, which is copied into the state. Host keys must be known: `make trust` first.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import asyncssh

from config import ConfigurationError, Machine, Rack, load_file
from providers.core.errors import CredentialsRefused, HostError
from providers.reaching import connection_of
from providers.ssh.environment import KEY_PASSPHRASE, SSH_PASSWORD
from providers.ssh.pool import Pool

PRESENT, ADDED, FAILED, SKIPPED = "present", "added", "failed", "skipped"
_AT_ONCE = 64
# As the user, whose home it is; a last line without an end gets one before ours is added.
_AUTHORIZE = r"""
set -eu; umask 077
mkdir -p "$HOME/.ssh"; file=$HOME/.ssh/authorized_keys
if grep -qF -- "$1" "$file" 2>/dev/null; then echo present; exit 0; fi
if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then echo >>"$file"; fi
printf '%s\n' "$2" >>"$file"; sync; echo added
"""


def make_key(path: Path, comment: str) -> tuple[str, bool]:
    """The public key beside a private key, as one line, and whether the pair was made just now (ed25519).

    HELICON_KEY_PASSPHRASE, where it is set, protects a new key, and opens one that is there.
    """
    passphrase = os.environ.get(KEY_PASSPHRASE) or None
    public = path.with_name(f"{path.name}.pub")
    if public.exists() and path.exists():
        return public.read_text().strip(), False
    if path.exists():
        return _line(asyncssh.read_private_key(path, passphrase)), False
    key = asyncssh.generate_private_key("ssh-ed25519", comment=comment)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.export_private_key(passphrase=passphrase))
    public.write_text(f"{_line(key)}\n")
    return _line(key), True


def authorize(pool: Pool, machine: Machine, key: str) -> str:
    """Let a key in on one machine, as its user; says whether it was there already."""
    connection = replace(connection_of(machine), sudo=False)
    bare = " ".join(key.split()[:2])
    done = pool.host(machine.name, connection).run(["sh", "-c", _AUTHORIZE, "authorize", bare, key])
    return done.text


def distribute(
    machines: Iterable[Machine], keys: Mapping[str, str]
) -> dict[str, tuple[str, HostError | None]]:
    """Let each machine's key in, all at once: name to what happened, with the error where it failed."""

    def one(machine: Machine) -> tuple[str, tuple[str, HostError | None]]:
        key = keys.get(machine.connection.identity_file)
        try:
            return machine.name, (authorize(pool, machine, key) if key else SKIPPED, None)
        except HostError as error:
            return machine.name, (FAILED, error)

    pool = Pool()
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
        found = dict(threads.map(one, machines))
    pool.close()
    return found


def spread(rack: Rack, keys: Mapping[str, str]) -> dict[str, tuple[str, HostError | None]]:
    """Keys to all machines; a password is asked for only when one is needed, and no longer offered in the end.

    Whoever got a key is asked again with the key alone, so that success means a login without a password.
    """
    machines = {one.name: one for one in rack.machines()}
    found = distribute(machines.values(), keys)
    refused = [name for name, (_, error) in found.items() if isinstance(error, CredentialsRefused)]
    if refused and SSH_PASSWORD not in os.environ and sys.stdin.isatty():
        os.environ[SSH_PASSWORD] = getpass.getpass(f"password of {', '.join(refused)}: ")
        found |= distribute([machines[name] for name in refused], keys)
    for variable in [one for one in os.environ if one.startswith(SSH_PASSWORD)]:
        del os.environ[variable]
    added = [machines[name] for name, (how, _) in found.items() if how == ADDED]
    again = distribute(added, keys)
    return found | {name: result for name, result in again.items() if result[1]}


def main(stack: str) -> int:
    """Make the keys that are missing and spread them; 1 when a machine has none in the end."""
    try:
        rack = load_file(Path(f"Pulumi.{stack}.yaml"))
        keys = _keys(rack)
    except (ConfigurationError, OSError, asyncssh.Error, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    found = spread(rack, keys)
    for machine in rack.machines():
        how, reason = found[machine.name]
        print(f"{machine.name:<16} {machine.connection.address:<16} {how:<8} {reason or ''}".rstrip())
    return int(any(how == FAILED for how, _ in found.values()))


def _keys(rack: Rack) -> dict[str, str]:
    """Every key file of the rack to its public line; new ones are said."""
    keys = {}
    for name in dict.fromkeys(one.connection.identity_file for one in rack.machines()):
        if name:
            path = Path(name).expanduser()
            keys[name], new = make_key(path, f"helicon {rack.stack}")
            print(f"{path}: {'made' if new else 'there already'}")
    return keys


def _line(key: asyncssh.SSHKey) -> str:
    return key.export_public_key("openssh").decode().strip()


def _one_argument(arguments: Sequence[str]) -> str:
    if len(arguments) != 1:
        sys.exit("usage: python -m providers.key STACK")
    return arguments[0]


if __name__ == "__main__":
    sys.exit(main(_one_argument(sys.argv[1:])))
