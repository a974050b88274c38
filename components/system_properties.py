"""What the configuration says of a machine's operating system and of who gets in, as properties; pure."""

from __future__ import annotations

from typing import Any

from config import EtcdMember, Machine, Node
from config.system import NODE_PACKAGES
from config.users import User

Properties = dict[str, Any]


def access(machine: Machine) -> Properties:
    """Users and SSH server, those that are said."""
    properties = {
        "users": {name: user(one) for name, one in machine.users.items()},
        "sshd": dict(machine.sshd),
    }
    return {name: value for name, value in properties.items() if value}


def user(one: User) -> Properties:
    """A user, with what of it is managed."""
    wanted = one.model_dump(mode="json", exclude_none=True, exclude={"password"})
    return {"exists": True, **{key: value for key, value in wanted.items() if value and value != "keep"}}


def settings(machine: Machine) -> Properties:
    """Locale, keyboard, time zone, certificates, services, upgrades and logs, those that are said."""
    off = dict.fromkeys(machine.disabled_services, "disabled") | dict.fromkeys(
        machine.masked_services, "masked"
    )
    properties = {
        "timezone": machine.timezone,
        "locale": dict(machine.locale),
        "keyboard": machine.keyboard and machine.keyboard.model_dump(mode="json", exclude_none=True),
        "certificates": dict(machine.certificates),
        "disabled_services": off,
        "upgrades": upgrades(machine),
        "logs": machine.logs and machine.logs.model_dump(mode="json", exclude_none=True),
    }
    return {name: value for name, value in properties.items() if value}


def upgrades(machine: Machine) -> Properties:
    """The policy of unattended upgrades; a node's own programs are never in it."""
    if machine.upgrades is None:
        return {}
    ours = NODE_PACKAGES if isinstance(machine, Node | EtcdMember) else ()
    blocked = dict.fromkeys((*ours, *machine.upgrades.blocked))
    return {"automatic": machine.upgrades.automatic, "blocked": list(blocked)}
