"""How one machine is reached: plain settings, fit for Pulumi properties, with no secret among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from providers.core.thing import Json


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The settings of one SSH connection; times in seconds, an empty string means not set."""

    address: str
    port: int = 22
    user: str = "root"
    identity_file: str = ""
    agent: bool = False
    bastion: Connection | None = None
    sudo: bool = True
    host_key: str = ""
    """One pinned key, `type base64`; where it is given, `known_hosts` is not read."""
    known_hosts: str = ""
    """Path of a file in OpenSSH's format."""
    connect_timeout: int = 10
    """The longest time for one attempt: name, TCP, key exchange and login."""
    deadline: int = 120
    """How long a machine that does not answer is tried again."""
    keepalive: int = 15
    """After three of these without an answer the connection counts as dropped."""

    @classmethod
    def parse(cls, value: Json) -> Connection:
        """The connection that a property bag describes; floats become integers again."""
        given = cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}
        # What a later version of this program stored may hold keys that this one does not know.
        known = {one.name: given[one.name] for one in fields(cls) if given.get(one.name) is not None}
        bastion = known.pop("bastion", None)
        whole: dict[str, Any] = {key: _whole(one) for key, one in known.items()}
        return cls(bastion=cls.parse(bastion) if bastion else None, **whole)

    def render(self) -> dict[str, Json]:
        """The property bag; without a bastion it has no such key, as Pulumi drops None."""
        bag: dict[str, Json] = {
            one.name: getattr(self, one.name) for one in fields(self) if one.name != "bastion"
        }
        return {**bag, "bastion": self.bastion.render()} if self.bastion else bag

    @property
    def target(self) -> str:
        """User, address and port, as errors name them."""
        return f"{self.user}@{self.address}" + (f":{self.port}" if self.port != 22 else "")

    @property
    def by_hand(self) -> str:
        """The command line that reaches the machine by hand."""
        jump = f" -J {self.bastion.target}" if self.bastion else ""
        port = f" -p {self.port}" if self.port != 22 else ""
        key = f" -i {self.identity_file}" if self.identity_file else ""
        return f"ssh{jump}{port}{key} {self.user}@{self.address}"


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) else value
