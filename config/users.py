"""Users of a machine, and the SSH server that lets them in."""

from __future__ import annotations

from typing import Literal

from config.base import Part
from config.scalars import AbsolutePath, UserName
from config.system_scalars import PublicKey


class User(Part):
    """A user; one that is not there is made, one that is there keeps what is not said here."""

    shell: AbsolutePath | None = None
    """Login shell; of a user that is made, /bin/bash without it."""
    groups: tuple[UserName, ...] = ()
    """Groups that it belongs to, besides those it has."""
    keys: tuple[PublicKey, ...] = ()
    """Public keys that let it in, besides those it has."""
    sudo: Literal["keep", "password", "passwordless"] = "keep"
    """Whether it becomes root by sudo, asked for its password or not; keep: as it is."""
    expiry: Literal["keep", "never"] = "keep"
    """Whether account and password never expire (Photon's do, after 90 days), or as it is."""
    password: Literal["keep", "environment"] = "keep"
    """Whether its password is set, to the crypt hash in HELICON_PASSWORD_HASH_<USER>."""
