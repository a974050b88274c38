"""Secrets of machines, which only the environment holds."""

from __future__ import annotations

import os
import re

SSH_PASSWORD = "HELICON_SSH_PASSWORD"
SUDO_PASSWORD = "HELICON_SUDO_PASSWORD"
KEY_PASSPHRASE = "HELICON_KEY_PASSPHRASE"


def secret(kind: str, name: str) -> str:
    """A secret from the environment: the machine's own, else the one for all, else empty."""
    return os.environ.get(own_variable(kind, name)) or os.environ.get(kind, "")


def own_variable(kind: str, name: str) -> str:
    """The variable that holds a machine's own secret."""
    return f"{kind}_{re.sub('[^A-Z0-9]', '_', name.upper())}"


def secrets(name: str) -> list[str]:
    """Every secret that belongs to a machine, to be kept out of errors and logs."""
    kinds = (SSH_PASSWORD, SUDO_PASSWORD, KEY_PASSPHRASE)
    return [value for value in (secret(kind, name) for kind in kinds) if value]
