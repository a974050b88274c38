"""Password hashes from the environment, on their way to be a secret property."""

from __future__ import annotations

import re
from typing import Any

import pulumi

from components.system_properties import access
from config import ConfigurationError, Machine, Problem
from providers.ssh.environment import own_variable, secret

HASH = "HELICON_PASSWORD_HASH"
_CRYPT = re.compile(r"\$[a-z0-9]{1,4}\$[!-9;-~]+")
"""crypt(5): a method between dollar signs, then anything printable but a colon."""


def let_in(machine: Machine) -> dict[str, Any]:
    """Who gets onto a machine and how: users, their passwords, and the SSH server."""
    return {**access(machine), **passwords(machine)}


def passwords(machine: Machine) -> dict[str, Any]:
    """The `passwords` property of a machine; raises what is missing or no hash, all at once."""
    wanted = [user for user, one in machine.users.items() if one.password == "environment"]
    hashes = {user: secret(own_variable(HASH, user), machine.name) for user in wanted}
    problems = [_problem(machine, user, one) for user, one in hashes.items() if not _CRYPT.fullmatch(one)]
    if problems:
        raise pulumi.RunError(str(ConfigurationError(problems, source="the environment")))
    return {"passwords": pulumi.Output.secret(hashes)} if hashes else {}


def _problem(machine: Machine, user: str, found: str) -> Problem:
    variable = own_variable(HASH, user)
    return Problem(
        path=(machine.name, "users", user, "password"),
        expected=f"a crypt hash in {variable} (or {own_variable(variable, machine.name)})",
        found="something else (hidden)" if found else "nothing",
        suggestion=f"export {variable}=$(openssl passwd -6), or write password: keep.",
    )
