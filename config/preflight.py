"""What is looked at on all machines before anything is changed."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, WithJsonSchema

from config.base import Part
from config.problems import did_you_mean
from config.scalars import Seconds, wrong

CheckName = Literal[
    "address",
    "architecture",
    "cgroup",
    "clock",
    "disk",
    "disk ids",
    "fsync",
    "host key",
    "kernel",
    "mac",
    "machine id",
    "memory",
    "modules",
    "page size",
    "ports",
    "power",
    "resolver",
    "swap",
]
CHECKS: tuple[str, ...] = get_args(CheckName)


def _check(value: str) -> str:
    if value not in CHECKS:
        raise wrong("the name of a check, as the table shows it", did_you_mean(value, CHECKS))
    return value


Check = Annotated[str, AfterValidator(_check), WithJsonSchema({"enum": list(CHECKS)})]


class Preflight(Part):
    """What is looked at on all machines, all at once and reading only, before anything is changed."""

    enabled: bool = True
    """Whether machines are looked at (HELICON_PREFLIGHT=0 in the environment turns it off for one run)."""
    timeout: Seconds = 5
    """Seconds to wait for a machine to let us in; one that does not is a warning."""
    tolerate: tuple[Check, ...] = ()
    """Checks whose errors are only warnings, for example [memory, fsync]."""
    clock_tolerance: Annotated[int, Field(ge=1, le=86400)] = 10
    """Seconds that a machine's clock may differ from this computer's."""
