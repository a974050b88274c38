"""What the configuration says of backups, as properties of a machine with an etcd member."""

from __future__ import annotations

import os
import re
from typing import Any

import pulumi

from config import ConfigurationError, Problem, Rack
from providers.backup.backup_credentials import curl_config

ACCESS_KEY = "HELICON_BACKUP_S3_ACCESS_KEY"
SECRET_KEY = "HELICON_BACKUP_S3_SECRET_KEY"


def properties(rack: Rack) -> dict[str, Any]:
    """The `backup` property and, for an S3-compatible store, its keys; nothing where no backups are asked for."""
    if rack.backup is None:
        return {}
    wanted = rack.backup.model_dump(mode="json", exclude={"copy_to"})
    to = rack.backup.copy_to
    wanted |= {"copy_directory": to.directory} if to.directory else {}
    if to.s3 is None:
        return {"backup": wanted}
    wanted["s3"] = to.s3.model_dump(mode="json")
    return {"backup": wanted, "backup_credentials": pulumi.Output.secret({"curl": _keys()})}


def packages(rack: Rack) -> dict[str, Any]:
    """What an upload needs."""
    if rack.backup is None or rack.backup.copy_to.s3 is None:
        return {}
    return {"curl": {"version": "", "hold": False}}


def _keys() -> str:
    """The keys from the environment; raises what is missing, all at once."""
    found = {variable: os.environ.get(variable, "") for variable in (ACCESS_KEY, SECRET_KEY)}
    problems = [
        _problem(variable, value) for variable, value in found.items() if not re.fullmatch(r"[!-~]+", value)
    ]
    if problems:
        raise pulumi.RunError(str(ConfigurationError(problems, source="the environment")))
    return curl_config(found[ACCESS_KEY], found[SECRET_KEY])


def _problem(variable: str, found: str) -> Problem:
    return Problem(
        path=("backup", "copy_to", "s3"),
        expected=f"a key of the store in {variable}",
        found="something else (hidden)" if found else "nothing",
        suggestion=f"export {variable}=..., or remove s3.",
    )
