"""The stack's configuration as a rack: the one module that reads pulumi.Config."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.runtime.settings import SETTINGS

from config import KEYS, ConfigurationError, Rack, load

MARGIN = 4
"""Operations beside those on the machines: certificates and Kubernetes objects."""


def load_rack() -> Rack:
    """The rack of the current stack; ends the program with every problem at once."""
    settings = pulumi.Config("helicon")
    raw: dict[str, Any] = {key: settings.get_object(key) for key in KEYS if settings.get(key)}
    try:
        rack = load(raw, stack=pulumi.get_stack())
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from None
    _ask_for_parallelism(rack)
    return rack


def _ask_for_parallelism(rack: Rack) -> None:
    """Ask for more operations at once where the CLI's default would make machines wait for each other."""
    machines, parallel = len(rack.machines()), SETTINGS.parallel or 0
    if 1 < parallel <= machines:
        wanted = machines + MARGIN
        pulumi.warn(f"{machines} machines, {parallel} operations at once: set PULUMI_PARALLEL={wanted}")
