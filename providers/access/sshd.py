"""The SSH server's options: checked by sshd itself, and never such that they lock us out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.access.login import stays
from providers.access.sshd_script import INSTALL, LOCKED_OUT
from providers.core.errors import HostError, Refused
from providers.core.host import Argv, Completed
from providers.core.service import last_lines
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.ssh.environment import SSH_PASSWORD, secret

MAIN = "/etc/ssh/sshd_config"
DROP_IN = "/etc/ssh/sshd_config.d/10-helicon.conf"
PENDING = "/run/helicon.sshd"
"""There while the server may not have read the options: a start of the machine takes it away."""
RELOAD = "reload"
_BEGIN, _END = "# BEGIN helicon: what is changed between these marks is lost", "# END helicon"
_SAME = {"prohibit-password": "without-password"}
"""Two names that sshd_config(5) gives to one value; `sshd -T` says the old one."""

_EFFECTIVE = "PATH=$PATH:/usr/sbin:/sbin; exec sshd -T"
_OURS = 'cat "$1" 2>/dev/null; sed -n "/^# BEGIN helicon/,/^# END helicon/p" "$2"'
_ASK_EFFECTIVE: Argv = ("sh", "-c", _EFFECTIVE, "effective")
_ASK_OURS: Argv = ("sh", "-c", _OURS, "ours", DROP_IN, MAIN)
_NOT_READ: Argv = ("test", "-e", PENDING)


@dataclass(frozen=True, kw_only=True)
class SshdState:
    """Values by option, as they take effect; None where the server does not know the option."""

    options: dict[str, str | None] = field(default_factory=dict)
    pending: bool = False


class Sshd(Thing[SshdState]):
    """A drop-in where sshd_config includes such; else a block at its top, for the first value wins."""

    name = "sshd"

    def parse(self, value: Json) -> SshdState:
        """From {"PermitRootLogin": "no"}; `reload` appears where the server has not read them yet."""
        given = cast(dict[str, str], value)
        options = {key: None if one == ABSENT else one for key, one in given.items() if key != RELOAD}
        return SshdState(options=options, pending=RELOAD in given)

    def render(self, state: SshdState) -> Json:
        """To the same."""
        options: dict[str, Json] = {key: ABSENT if one is None else one for key, one in state.options.items()}
        return {**options, RELOAD: "needed"} if state.pending else options

    def questions(self, managed: SshdState) -> Sequence[Argv]:
        """What takes effect, whether the server has read it."""
        return [_ASK_EFFECTIVE, _NOT_READ]

    def observe(self, site: Site, managed: SshdState) -> SshdState:
        """The managed options as sshd understands all its files."""
        told, pending = site.host.ask([_ASK_EFFECTIVE, _NOT_READ])
        effective = parse_effective(_text(site, told))
        found = {key: _as_wanted(effective.get(key.lower()), one) for key, one in managed.options.items()}
        return SshdState(options=found, pending=pending.ok)

    def plan(self, current: SshdState, desired: SshdState) -> list[Change]:
        """One change for each option, and the reload that a killed run left undone."""
        changes = differences(current.options, desired.options)
        return changes + ([Change(field=RELOAD, was="needed", now="done")] if current.pending else [])

    def apply(self, site: Site, changes: Sequence[Change], desired: SshdState) -> None:
        """Write them, let sshd check them, see that we can still log in, then reload."""
        site.journal.keep_files([DROP_IN])
        ours = {**_ours(site), **{key: one for key, one in desired.options.items() if one is not None}}
        _install(site, ours)

    def remove(self, site: Site, managed: SshdState) -> None:
        """Without the options, as it was; a destroy leaves them unless it is asked for access."""
        if stays(site):
            site.say("sshd: it stays as it is, since it is what lets us in")
            return
        ours = _ours(site)
        left = {key: one for key, one in ours.items() if key not in managed.options}
        if left != ours:
            _install(site, left)
        if not left:
            site.journal.restore_files([DROP_IN])

    def minus(self, old: SshdState, new: SshdState) -> SshdState | None:
        """The options that are no longer listed."""
        gone = {key: one for key, one in old.options.items() if key not in new.options}
        return SshdState(options=gone) if gone else None


def parse_effective(text: str) -> dict[str, str]:
    """The values that `sshd -T` prints, by option in lower case; of one that is repeated, the first."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key.lower(), value)
    return found


def parse_ours(text: str) -> dict[str, str]:
    """Our options, from the drop-in or the block."""
    pairs = (line.split(None, 1) for line in text.splitlines() if re.match(r"[A-Za-z]", line))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _text(site: Site, told: Completed) -> str:
    if told.ok:
        return told.text
    raise HostError(
        host=str(site.host),
        item="sshd",
        expected="a configuration that sshd reads (sshd -T)",
        found=last_lines(told),
        next_step=f"sshd -t, on the machine, and correct {MAIN}",
    )


def _as_wanted(found: str | None, wanted: str | None) -> str | None:
    """What was found, in the words of what is wanted where both mean the same."""
    if found is None or wanted is None:
        return found
    return (
        wanted
        if _SAME.get(found.lower(), found.lower()) == _SAME.get(wanted.lower(), wanted.lower())
        else found
    )


def _ours(site: Site) -> dict[str, str]:
    (answer,) = site.host.ask([_ASK_OURS])
    return parse_ours(answer.text)


def _install(site: Site, options: Mapping[str, str]) -> None:
    lines = [f"{key} {one}" for key, one in sorted(options.items())]
    text = "".join(f"{line}\n" for line in [_BEGIN, *lines, _END]) if lines else ""
    by_password = "yes" if secret(SSH_PASSWORD, site.host.name) else "no"
    argv = ["sh", "-c", INSTALL, "install", MAIN, DROP_IN, PENDING, by_password]
    done = site.host.run(argv, stdin=text.encode(), check=False)
    if done.exit_status == LOCKED_OUT:
        raise Refused(
            host=str(site.host),
            item="sshd",
            expected="options that let us in again",
            found=last_lines(done),
            next_step=(
                "correct `sshd` in the stack file, or log in another way first: another connection.user, "
                f"a key in its authorized_keys (users), no {SSH_PASSWORD} in the environment"
            ),
        )
    if not done.ok:
        raise HostError(
            host=str(site.host),
            item="sshd",
            expected="options that `sshd -t` accepts",
            found=last_lines(done),
            next_step=f"correct `sshd` of {site.host.name} in the stack file",
        )
