"""What the stack file says of an operating system, as properties of its resources."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi
import pytest

from components.passwords import passwords
from components.system_properties import access, settings
from config import Machine, load
from config.system import NODE_PACKAGES
from providers.kinds import KINDS
from tests.config.injections import sound

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ann@desk"


def machine(name: str = "w-1", **given: Any) -> Machine:
    """A machine of the sound rack with these settings."""
    raw = sound()
    raw["load_balancers" if name == "lb-1" else "nodes"][name] |= given
    return load(raw, stack="test").machine(name)


def test_nothing_said_is_nothing_managed() -> None:
    """No property at all."""
    assert access(machine()) == settings(machine()) == passwords(machine()) == {}


def test_of_a_user_what_is_said_is_managed() -> None:
    """A user that is only named has to exist; passwords go their own way."""
    given = {"ann": {"keys": [KEY], "sudo": "passwordless"}, "root": {"expiry": "never", "password": "keep"}}
    assert access(machine(users=given)) == {
        "users": {
            "ann": {"exists": True, "keys": [KEY], "sudo": "passwordless"},
            "root": {"exists": True, "expiry": "never"},
        }
    }


def test_every_property_is_understood_by_its_thing() -> None:
    """Names and shapes agree, and what is parsed is rendered the same."""
    given: dict[str, Any] = {
        "users": {"ann": {"shell": "/bin/sh", "groups": ["adm"], "keys": [KEY]}},
        "sshd": {"PermitRootLogin": "no"},
        "timezone": "Europe/Paris",
        "locale": {"LANG": "fr_FR.UTF-8"},
        "keyboard": {"layout": "fr", "variant": "latin9"},
        "disabled_services": ["dhcpcd", "bluetooth"],
        "masked_services": ["wpa_supplicant"],
        "upgrades": {"automatic": "security", "blocked": ["nginx"]},
        "logs": {"storage": "volatile", "max_use": "64M", "rate_burst": 500},
    }
    wanted = {**access(machine(**given)), **settings(machine(**given))}
    things = {thing.name: thing for kind in ("Access", "System") for thing in KINDS[kind].things}
    assert {name: things[name].render(things[name].parse(one)) for name, one in wanted.items()} == wanted
    assert wanted["disabled_services"]["wpa_supplicant.service"] == "masked"


def test_a_nodes_own_programs_are_never_upgraded_alone() -> None:
    """On a load balancer there are none."""
    given: dict[str, Any] = {"upgrades": {"automatic": "all", "blocked": ["nginx"]}}
    assert settings(machine(**given))["upgrades"]["blocked"] == [*NODE_PACKAGES, "nginx"]
    assert settings(machine("lb-1", **given))["upgrades"]["blocked"] == ["nginx"]


def test_hashes_come_from_the_environment_as_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine's own goes before the one for all."""
    monkeypatch.setenv("HELICON_PASSWORD_HASH_ROOT", "$6$salt$all")
    monkeypatch.setenv("HELICON_PASSWORD_HASH_ROOT_CP_1", "$6$salt$own")
    found: dict[str, Any] = {}

    async def read(name: str) -> None:
        output = passwords(machine(name, users={"root": {"password": "environment"}}))["passwords"]
        found[name] = (await output.is_secret(), await output.future())

    loop = asyncio.new_event_loop()
    for name in ("cp-1", "w-1"):
        loop.run_until_complete(read(name))
    loop.close()
    assert found == {"cp-1": (True, {"root": "$6$salt$own"}), "w-1": (True, {"root": "$6$salt$all"})}


@pytest.mark.parametrize("given", ["", "plain text"])
def test_a_hash_that_is_none_is_told_and_not_shown(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """With the variables, and what to type."""
    monkeypatch.setenv("HELICON_PASSWORD_HASH_ROOT", given)
    with pytest.raises(
        pulumi.RunError, match=r"w-1.users.root.password: .*HELICON_PASSWORD_HASH_ROOT_W_1"
    ) as error:
        passwords(machine(users={"root": {"password": "environment"}}))
    assert "openssl passwd -6" in str(error.value)
    assert "plain text" not in str(error.value)
