"""Users of a machine: shell, groups, authorized keys, sudo, and passwords that do not expire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.access import user_scripts as scripts
from providers.access.login import login
from providers.access.user_scripts import Found, blob, sudo_file, sudo_text
from providers.core.errors import HostError
from providers.core.files_on_host import digest
from providers.core.host import Argv
from providers.core.service import last_lines
from providers.core.thing import ABSENT, Change, Json, Site, Thing

Aspect = bool | str | tuple[str, ...] | None
Aspects = dict[str, Aspect]
_LISTS = ("groups", "keys")
_CREATED, _CREATED_AROUND_A_HOME = "user", "user of a home that was there"


@dataclass(frozen=True, kw_only=True)
class UsersState:
    """By user what is managed: exists, shell, groups, keys, sudo, expiry; of lists, ours that are there."""

    users: dict[str, Aspects] = field(default_factory=dict)


class Users(Thing[UsersState]):
    """Groups and keys are added to what a user has; the user that we log in as never loses any."""

    name = "users"

    def parse(self, value: Json) -> UsersState:
        """From {"ann": {"exists": true, "shell": "/bin/sh", "groups": [], "keys": [], ...}}."""
        given = cast(dict[str, dict[str, Json]], value)
        return UsersState(
            users={user: {key: _parsed(one) for key, one in told.items()} for user, told in given.items()}
        )

    def render(self, state: UsersState) -> Json:
        """To the same."""
        return {
            user: {key: _rendered(one) for key, one in aspects.items()}
            for user, aspects in state.users.items()
        }

    def questions(self, managed: UsersState) -> Sequence[Argv]:
        """All users in one question."""
        return [scripts.look(managed.users)] if managed.users else []

    def observe(self, site: Site, managed: UsersState) -> UsersState:
        """The managed aspects as they are."""
        found = _found(site, managed.users)
        return UsersState(
            users={
                user: {key: _aspect(key, user, found[user], one) for key, one in aspects.items()}
                for user, aspects in managed.users.items()
            }
        )

    def plan(self, current: UsersState, desired: UsersState) -> list[Change]:
        """One change for each aspect."""
        return [
            Change(field=f"{user}.{key}", was=was, now=now)
            for user, aspects in sorted(desired.users.items())
            for key, now in aspects.items()
            for was in [current.users.get(user, {}).get(key)]
            if _differs(was, now)
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: UsersState) -> None:
        """Make the user, then what belongs to it; what we add is noted first."""
        touched: dict[str, set[str]] = {}
        for change in changes:
            user, _, key = change.field.rpartition(".")
            touched.setdefault(user, set()).add(key)
        found = _found(site, touched)
        for user, keys in touched.items():
            _change(site, user, keys, desired.users[user], found[user])

    def remove(self, site: Site, managed: UsersState) -> None:
        """Users that we made go, unless we log in as them; others lose what we gave them."""
        entries = site.journal.entries(self.name)
        us = login(site) if managed.users else ""
        for user, aspects in managed.users.items():
            own = {
                key.removeprefix(f"{user} "): one
                for key, one in entries.items()
                if key.startswith(f"{user} ")
            }
            if user == us and own:
                site.say(f"users: {user} stays as it is, since it is the one that lets us in")
            elif own.get("made") and "exists" in aspects:
                _delete(site, user, own)
            elif own:
                _undo(site, user, aspects, own)

    def minus(self, old: UsersState, new: UsersState) -> UsersState | None:
        """Users, and of others the aspects, groups and keys that are no longer listed."""
        gone = {user: _gone(aspects, new.users.get(user)) for user, aspects in old.users.items()}
        left = {user: aspects for user, aspects in gone.items() if aspects}
        return UsersState(users=left) if left else None


def _parsed(value: Json) -> Aspect:
    if isinstance(value, list):
        return tuple(str(one) for one in value)
    return None if value == ABSENT else cast(bool | str, value)


def _rendered(value: Aspect) -> Json:
    return list(value) if isinstance(value, tuple) else ABSENT if value is None else value


def _gone(old: Aspects, new: Aspects | None) -> Aspects:
    if new is None:
        return old
    left: Aspects = {}
    for key, was in old.items():
        now = new.get(key)
        if isinstance(was, tuple) and isinstance(now, tuple):
            rest = tuple(one for one in was if one not in now)
            left |= {key: rest} if rest else {}
        elif key not in new:
            left[key] = was
    return left


def _differs(was: Aspect, now: Aspect) -> bool:
    if isinstance(now, tuple):
        return not set(now) <= set(was if isinstance(was, tuple) else ())
    return was != now


def _found(site: Site, users: Mapping[str, object]) -> dict[str, Found]:
    if not users:
        return {}
    (answer,) = site.host.ask([scripts.look(users)])
    return dict(zip(sorted(users), scripts.parse(answer.text), strict=True))


def _aspect(key: str, user: str, found: Found, managed: Aspect) -> Aspect:
    """What was found, of groups and keys those that are managed."""
    if key == "exists":
        return found.exists
    if key in _LISTS:
        ours = managed if isinstance(managed, tuple) else ()
        return tuple(one for one in ours if (one in found.groups if key == "groups" else found.has(one)))
    if not found.exists:
        return None
    return {"shell": found.shell, "sudo": found.sudo_of(user), "expiry": found.expiry}[key]


def _change(site: Site, user: str, keys: set[str], wanted: Aspects, found: Found) -> None:
    groups = ",".join(_tuple(wanted.get("groups")))
    files = [sudo_file(user)] if "sudo" in keys else []
    if "exists" in keys:
        made = _CREATED_AROUND_A_HOME if found.home_there else _CREATED
        before = {f"{user} made": made, **_before(user, keys - {"shell"}, wanted, found)}
        site.journal.remember(Users.name, before, files)
        shell = str(wanted.get("shell") or "/bin/bash")
        _run(site, user, ["sh", "-c", scripts.ADD, "add", user, shell, groups if "groups" in keys else ""])
    else:
        site.journal.remember(Users.name, _before(user, keys, wanted, found), files)
        if "shell" in keys:
            _run(site, user, ["usermod", "-s", str(wanted["shell"]), user])
        if "groups" in keys:
            _run(site, user, ["usermod", "-aG", groups, user])
    if "keys" in keys:
        missing = [key for key in cast(tuple[str, ...], wanted["keys"]) if not found.has(key)]
        _as_user(site, user, scripts.ADD_KEYS, missing)
    if "sudo" in keys:
        argv = ["sh", "-c", scripts.SUDO, "sudo", sudo_file(user)]
        _run(site, user, argv, stdin=sudo_text(user, str(wanted["sudo"])))
    if "expiry" in keys:
        _run(site, user, ["chage", *scripts.expiry_options("0:99999::"), user])


def _before(user: str, keys: set[str], wanted: Aspects, found: Found) -> dict[str, str]:
    """What there was of what is about to change; of a user that is made, nothing."""
    values = {"shell": found.shell, "expiry": found.ages, "sudo": ""}
    before = {f"{user} {key}": values[key] for key in keys & values.keys()}
    if "groups" in keys:
        groups = cast(tuple[str, ...], wanted["groups"])
        before |= {f"{user} group {one}": "" for one in groups if one not in found.groups}
    if "keys" in keys:
        added = [one for one in cast(tuple[str, ...], wanted["keys"]) if not found.has(one)]
        before |= {f"{user} key {digest(blob(one).encode())}": blob(one) for one in added}
        before[f"{user} place"] = found.place
    return before


def _delete(site: Site, user: str, own: Mapping[str, str]) -> None:
    keep = "keep" if own["made"] == _CREATED_AROUND_A_HOME else "tidy"
    site.journal.restore_files([sudo_file(user)])
    done = _run(site, user, ["sh", "-c", scripts.DELETE, "delete", user, keep])
    if done:
        site.say(f"users: {user} is gone, and its home stays: it holds more than we put there")
    site.journal.forget(Users.name, [f"{user} {key}" for key in own])


def _undo(site: Site, user: str, aspects: Aspects, own: Mapping[str, str]) -> None:
    """Take from a user that was there before what we gave it, as far as `aspects` names it."""
    gone: list[str] = [key for key in ("shell", "expiry", "sudo") if key in aspects and key in own]
    if "shell" in gone:
        _run(site, user, ["usermod", "-s", own["shell"], user])
    if "expiry" in gone:
        _run(site, user, ["chage", *scripts.expiry_options(own["expiry"]), user])
    if "sudo" in gone:
        site.journal.restore_files([sudo_file(user)])
    for group in cast(tuple[str, ...], aspects.get("groups", ())):
        if f"group {group}" in own:
            _run(site, user, ["sh", "-c", scripts.LEAVE, "leave", user, group])
            gone.append(f"group {group}")
    entries = {f"key {digest(blob(one).encode())}": blob(one) for one in _tuple(aspects.get("keys"))}
    ours = {key: one for key, one in entries.items() if key in own}
    if ours:
        _as_user(site, user, scripts.DROP_KEYS, list(ours.values()), own.get("place", scripts.FILE))
        gone += ours
    site.journal.forget(Users.name, [f"{user} {key}" for key in gone])
    if not any(key.startswith("key ") for key in own.keys() - set(gone)):
        site.journal.forget(Users.name, [f"{user} place"])


def _tuple(value: Aspect) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _as_user(site: Site, user: str, script: str, lines: Sequence[str], *args: str) -> None:
    """Change a user's keys with no more rights than the user has, whose directory it is."""
    argv = ["sh", "-c", scripts.AS_USER, "as-user", user, script, *args]
    _run(site, user, argv, stdin="".join(f"{line}\n" for line in lines))


def _run(site: Site, user: str, argv: Sequence[str], stdin: str = "") -> str:
    done = site.host.run(argv, stdin=stdin.encode(), check=False)
    if done.ok:
        return done.text
    raise HostError(
        host=str(site.host),
        item=f"user {user}",
        expected="that the machine takes its settings",
        found=last_lines(done),
        next_step=f"id {user}, on the machine; correct users.{user} in the stack file",
    )
