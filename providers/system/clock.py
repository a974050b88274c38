"""The clock: its time servers, and that it is in step with them before anything is signed or joined."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from providers.core import service
from providers.core.errors import HostError
from providers.core.host import Argv, Completed
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from providers.core.writing import put

UNIT = "systemd-timesyncd.service"
FILE = "/etc/systemd/timesyncd.conf.d/helicon.conf"
WAIT_SECONDS = 180
"""timesyncd tries a server again after 15 s at first (systemd-timesyncd(8)) and each for 10 s, so
this is time for a board without a clock of its own, and for several servers that are down."""

_READ: Argv = ("cat", FILE)
_ACTIVE: Argv = ("systemctl", "is-active", UNIT)
_IN_STEP: Argv = ("timedatectl", "show", "-p", "NTPSynchronized", "--value")
_YEAR, _DAY, _HOUR, _MINUTE = 31_556_952, 86_400, 3_600, 60

# Counted, not timed: the clock that would be read is the one that jumps.
_WAIT = """
left=$1
while [ "$(timedatectl show -p NTPSynchronized --value)" != yes ]; do
  if [ "$left" -le 0 ]; then
    date +%s; timedatectl timesync-status --no-pager 2>&1 | grep -i server; exit 1
  fi
  sleep 2; left=$((left - 2))
done
"""


@dataclass(frozen=True, kw_only=True)
class ClockState:
    """Time servers (empty: the system's own; None: ours are not set), in step or not, timesyncd's state."""

    ntp: tuple[str, ...] | None = ()
    synchronized: bool = False
    service: str = "active"


class Clock(Thing[ClockState]):
    """Our time servers are timesyncd's; in step counts whoever keeps the clock."""

    name = "clock"

    def parse(self, value: Json) -> ClockState:
        """From {"ntp": ["server"], "synchronized": true}."""
        given = cast(dict[str, Json], value)
        ntp = given.get("ntp", [])
        return ClockState(
            ntp=None if ntp == ABSENT else tuple(cast(list[str], ntp)),
            synchronized=bool(given.get("synchronized", False)),
            service=str(given.get("service", "active")),
        )

    def render(self, state: ClockState) -> Json:
        """To the same; `service` appears where timesyncd should run and does not."""
        ntp: Json = ABSENT if state.ntp is None else list(state.ntp)
        amiss: dict[str, Json] = {} if state.service == "active" else {"service": state.service}
        return {"ntp": ntp, "synchronized": state.synchronized, **amiss}

    def questions(self, managed: ClockState) -> Sequence[Argv]:
        """Our file and its service where there are servers, and whether the clock is in step."""
        servers = [] if managed.ntp == () else [_READ, _ACTIVE]
        return servers + ([_IN_STEP] if managed.synchronized else [])

    def observe(self, site: Site, managed: ClockState) -> ClockState:
        """What is managed, as it is."""
        answers = {one.argv: one for one in site.host.ask(self.questions(managed))}
        return ClockState(
            ntp=parse(answers[_READ]) if _READ in answers else (),
            synchronized=_IN_STEP in answers and answers[_IN_STEP].text == "yes",
            service=answers[_ACTIVE].text or "unknown" if _ACTIVE in answers else "active",
        )

    def plan(self, current: ClockState, desired: ClockState) -> list[Change]:
        """Servers and service where servers are wanted, and the step where that is wanted."""
        changes = []
        if desired.ntp and current.ntp != desired.ntp:
            changes.append(Change(field="ntp", was=current.ntp, now=desired.ntp))
        if desired.ntp and current.service != desired.service:
            changes.append(Change(field="service", was=current.service, now=desired.service))
        if desired.synchronized and not current.synchronized:
            changes.append(Change(field="synchronized", was=False, now=True))
        return changes

    def apply(self, site: Site, changes: Sequence[Change], desired: ClockState) -> None:
        """Set the servers, then wait."""
        if {change.field for change in changes} & {"ntp", "service"}:
            _set_servers(site, desired.ntp or ())
        if desired.synchronized:
            _wait(site, desired.ntp or ())

    def remove(self, site: Site, managed: ClockState) -> None:
        """The former servers; the time stays."""
        if managed.ntp != ():
            service.give_back(site, self.name, UNIT, [FILE])

    def minus(self, old: ClockState, new: ClockState) -> ClockState | None:
        """Our servers, where the system's own are wanted again."""
        return ClockState(ntp=old.ntp) if old.ntp != () and new.ntp == () else None


def parse(answer: Completed) -> tuple[str, ...] | None:
    """The servers in our file; None where there is none."""
    lines = [line for line in answer.text.splitlines() if line.startswith("NTP=")] if answer.ok else []
    return tuple(lines[-1].removeprefix("NTP=").split()) if lines else None


def _set_servers(site: Site, servers: Sequence[str]) -> None:
    (unit,) = site.host.ask([("systemctl", "cat", UNIT)])
    if not unit.ok:
        raise HostError(
            host=str(site.host),
            item="clock",
            expected=f"{UNIT}, to follow {', '.join(servers)}",
            found="it is not installed",
            next_step="apt-get install systemd-timesyncd, or empty `clock.ntp` where another program sets it",
        )
    service.remember_unit(site, Clock.name, UNIT)
    site.journal.keep_files([FILE])
    put(site, FILE, f"[Time]\nNTP={' '.join(servers)}\n")
    service.bring_up(site, UNIT, "restart")


def _wait(site: Site, servers: Sequence[str]) -> None:
    argv = ["sh", "-c", _WAIT, "wait", str(WAIT_SECONDS)]
    done = site.host.run(argv, timeout=WAIT_SECONDS + 60, check=False)
    if done.ok:
        return
    now, _, said = done.text.partition("\n")
    raise HostError(
        host=str(site.host),
        item="clock",
        expected=f"in step with {', '.join(servers) or 'its time servers'} within {WAIT_SECONDS} s",
        found=", ".join(part for part in (f"not in step, {_offset(now)}", said.strip()) if part),
        next_step=(
            "timedatectl timesync-status on the machine; its servers must answer on UDP port 123. "
            "Others are set by `clock.ntp` in the stack file"
        ),
    )


def _offset(now: str) -> str:
    """How far a machine's seconds since 1970 are from this machine's."""
    if not now.isdigit():
        return "and the machine does not tell its time"
    ahead = int(now) - int(time.time())
    units = ((_YEAR, "years"), (_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes"), (1, "seconds"))
    size, unit = next((one for one in units if abs(ahead) >= 2 * one[0]), units[-1])
    return f"{abs(ahead) // size} {unit} {'ahead of' if ahead > 0 else 'behind'} this machine"
