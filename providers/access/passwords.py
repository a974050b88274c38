"""Password hashes: a secret that travels by standard input and is compared by its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.access.login import stays
from providers.core.errors import HostError
from providers.core.host import Argv
from providers.core.journal import JOURNAL
from providers.core.service import last_lines
from providers.core.thing import ABSENT, Change, Json, Site, Thing

DIFFERS = "(differs)"
_LOOK = """
for user; do
  if getent shadow "$user" >/dev/null
  then getent shadow "$user" | cut -d: -f2 | tr -d '\\n' | sha256sum | cut -c 1-64
  else echo absent; fi
done
"""
# What was there goes from file to file on the machine: a hash appears in no argument and no answer.
_SET = """
set -eu; umask 077; mkdir -p "$1"; cd "$1"
while IFS= read -r line; do
  user=${line%%:*}
  if [ ! -e "$user" ]; then
    getent shadow "$user" | cut -d: -f2,3 > .new; [ -s .new ]; sync .new; mv .new "$user"
  fi
  printf '%s\\n' "$line" | chpasswd -e
done
"""
_BACK = """
cd "$1" 2>/dev/null || exit 0; directory=$1; shift
for user; do
  [ -e "$user" ] || continue
  if getent shadow "$user" >/dev/null; then
    IFS=: read -r hash day < "$user"
    if [ -n "$hash" ]; then printf '%s:%s\\n' "$user" "$hash" | chpasswd -e || exit
    else passwd -q -d "$user" || exit; fi
    chage -d "${day:--1}" "$user" || exit
  fi
  rm -f "$user"
done
rmdir --ignore-fail-on-non-empty "$directory"
"""


@dataclass(frozen=True, kw_only=True)
class PasswordsState:
    """crypt(5) hashes by user; None where there is no such user, DIFFERS where it has another."""

    hashes: dict[str, str | None] = field(default_factory=dict)


class Passwords(Thing[PasswordsState]):
    """Also root's; a destroy leaves them, unless it is asked to give access back."""

    name = "passwords"
    secret = True

    def parse(self, value: Json) -> PasswordsState:
        """From {"root": "$y$..."}."""
        pairs = cast(dict[str, str], value)
        return PasswordsState(hashes={user: None if one == ABSENT else one for user, one in pairs.items()})

    def render(self, state: PasswordsState) -> Json:
        """To the same."""
        return {user: ABSENT if one is None else one for user, one in state.hashes.items()}

    def questions(self, managed: PasswordsState) -> Sequence[Argv]:
        """The digests of all the hashes."""
        return [("sh", "-c", _LOOK, "passwords", *sorted(managed.hashes))] if managed.hashes else []

    def observe(self, site: Site, managed: PasswordsState) -> PasswordsState:
        """The managed hash itself where the digest is the same."""
        lines = [
            line for answer in site.host.ask(self.questions(managed)) for line in answer.text.splitlines()
        ]
        digests = dict(zip(sorted(managed.hashes), lines, strict=True))
        return PasswordsState(
            hashes={user: _seen(digests[user], one) for user, one in managed.hashes.items()}
        )

    def plan(self, current: PasswordsState, desired: PasswordsState) -> list[Change]:
        """One change for each user, without the hash."""
        return [
            Change(field=user, was=None if current.hashes.get(user) is None else DIFFERS, now="(new)")
            for user in sorted(desired.hashes)
            if current.hashes.get(user) != desired.hashes[user]
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: PasswordsState) -> None:
        """Keep the former hash on the machine, and set the new one."""
        users = [change.field for change in changes]
        lines = "".join(f"{user}:{desired.hashes[user]}\n" for user in users)
        argv = ["sh", "-c", _SET, "set", f"{JOURNAL}/{self.name}"]
        done = site.host.run(argv, stdin=lines.encode(), check=False, secret=True)
        if not done.ok:
            raise HostError(
                host=str(site.host),
                item=f"password of {', '.join(users)}",
                expected="that chpasswd takes the hash",
                found=last_lines(done) if not done.stdout else "a refusal",
                next_step="openssl passwd -6 makes a hash; list the user under users, if it does not exist",
            )

    def remove(self, site: Site, managed: PasswordsState) -> None:
        """The former hashes."""
        if stays(site):
            site.say("passwords: they stay, since they may be what lets you in")
        elif managed.hashes:
            argv = ["sh", "-c", _BACK, "back", f"{JOURNAL}/{self.name}", *sorted(managed.hashes)]
            site.host.run(argv, secret=True)

    def minus(self, old: PasswordsState, new: PasswordsState) -> PasswordsState | None:
        """The users that are no longer listed."""
        gone = {user: one for user, one in old.hashes.items() if user not in new.hashes}
        return PasswordsState(hashes=gone) if gone else None


def _seen(digest: str, managed: str | None) -> str | None:
    if digest == "absent":
        return None
    return managed if managed and digest == hashlib.sha256(managed.encode()).hexdigest() else DIFFERS
