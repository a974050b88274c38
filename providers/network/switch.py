"""Files of a network exchanged on the machine itself, and back again unless we come back and confirm.

Two transient units do it, so that it needs no connection: one applies the new files a moment later,
the other puts the former ones back at the deadline. Whichever comes first, the confirmation or the
deadline, makes the directory `decided`; the other then does nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from providers.core.errors import ConnectionDropped, HostError, Unreachable
from providers.core.files_on_host import Placed, place
from providers.core.service import last_lines
from providers.core.thing import Site
from providers.network.backend import Backend

RUN = "/var/lib/helicon/network/run"
NEXT = f"{RUN}.next"
"""Where the next change is laid out, while an earlier one may still be going back."""
ROLLBACK, APPLY = "helicon-network-rollback", "helicon-network-apply"
POLL = 0.5
MARGIN = 5.0
"""Seconds before the machine's deadline at which we give up, so that both never act at once."""
PATIENCE = 45.0
"""Seconds that a machine gets to answer again after its rollback."""

# $1 is new or old. A file takes the place of another in one step.
SWITCH = """
cd "${0%/*}" || exit
[ "$1" = new ] || mkdir decided 2>/dev/null || exit 0
interface=$(cat interface)
sh ./down "$interface" $(cat addresses) > "$1.log" 2>&1
while read -r path; do
  if [ -e "$1$path" ] || [ -L "$1$path" ]; then
    mkdir -p "${path%/*}"; rm -f "$path.helicon"; cp -a "$1$path" "$path.helicon"
    mv -T "$path.helicon" "$path" 2>/dev/null || { cat "$path.helicon" > "$path"; rm "$path.helicon"; }
  else rm -f "$path"; fi
done < paths
sync
sh ./up "$interface" >> "$1.log" 2>&1; status=$?
echo "$status" > .status; mv .status "$1.status"
[ "$1" = old ] || [ "$status" = 0 ] || exec sh "$0" old
"""
_STAGE = """
set -eu; umask 077; rm -rf "$1"; mkdir -p "$1/new" "$1/old"; cd "$1"
printf %s "$2" > switch; printf %s "$3" > down; printf %s "$4" > up
printf %s "$5" > interface; printf %s "$6" > addresses; shift 6; : > paths
for path; do printf '%s\\n' "$path" >> paths; done
"""
# Of what the journal does not know the present one stays.
_COPIES = """
set -eu; umask 022; cd "$1"; shift
while [ "$#" -gt 1 ]; do
  from=$2; [ -e "$2" ] || [ -L "$2" ] || [ -e "$2,absent" ] || from=$1
  if [ -e "$from" ] || [ -L "$from" ]; then mkdir -p "new${1%/*}"; cp -a "$from" "new$1"; fi
  shift 2
done
"""
# What a killed run began is waited for; its timer goes only when the next one is about to start.
_WAIT = f"""
waited=0
while systemctl is-active -q {APPLY}.timer || systemctl is-active -q {APPLY}.service ||
  systemctl is-active -q {ROLLBACK}.service
do waited=$((waited + 1)); [ "$waited" -lt 300 ] || exit 1; sleep 0.2; done
"""
_ARM = f"""
set -eu; umask 077
{_WAIT}
cd "$2"
while read -r path; do
  if [ -e "$path" ] || [ -L "$path" ]; then mkdir -p "old${{path%/*}}"; cp -a "$path" "old$path"; fi
done < paths
systemctl stop {ROLLBACK}.timer 2>/dev/null || :
systemctl reset-failed {ROLLBACK}.service {APPLY}.service 2>/dev/null || :
cd /; rm -rf "$1"; mv -T "$2" "$1"; sync -f "$1"
run() {{ systemd-run --quiet --collect --timer-property=AccuracySec=100ms "$@"; }}
run --unit={ROLLBACK} --on-active="$3" sh "$1/switch" old
run --unit={APPLY} --on-active=0.5 sh "$1/switch" new
"""
_RESULT = """
cd "$1" 2>/dev/null || { echo gone; exit 0; }
if [ -e old.status ]; then echo "rolled back"; cat new.log
elif [ -e decided ]; then echo "rolling back"; cat new.log
elif [ -e new.status ]; then echo applied
else echo running; fi
"""
_CONFIRM = f"""
{_WAIT}
[ -d "$1" ] || exit 0
mkdir "$1/decided" || exit
systemctl stop {ROLLBACK}.timer 2>/dev/null || :
rm -rf "$1"
"""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One change of a network: who manages it, the addresses before and after, and the new files."""

    manager: Backend
    interface: str
    addresses: tuple[str, ...]
    files: Mapping[str, str | None]
    modes: Mapping[str, str]
    """Octal modes of the new files."""
    deadline: int
    copies: Mapping[str, str] = field(default_factory=dict)
    """Where the journal keeps the former files, for a change back."""


def exchange(site: Site, one: Exchange, settled: Callable[[], str], aim: str) -> None:
    """Make the change, come back to the machine and confirm; otherwise it undoes itself, and we raise.

    `settled` says what is not yet as it should be ("" for nothing); `aim` is the state for the error.
    """
    scripts = (SWITCH, one.manager.down, one.manager.up)
    argv = ["sh", "-c", _STAGE, "stage", NEXT, *scripts, one.interface, " ".join(one.addresses), *one.files]
    site.host.run(argv)
    new = {
        f"{NEXT}/new{path}": Placed(content=text, mode=one.modes[path])
        for path, text in one.files.items()
        if text is not None
    }
    place(site, new)
    pairs = [part for pair in one.copies.items() for part in pair]
    if pairs:
        site.host.run(["sh", "-c", _COPIES, "copies", NEXT, *pairs])
    _arm(site, one.deadline)
    site.say(f"network: changed under a rollback timer of {one.deadline} s")
    found = _follow(site, one.deadline - MARGIN, settled)
    if found:
        raise _undone(site, aim, found, one.deadline)


def confirm(site: Site) -> bool:
    """Tell the machine that we are back; False when it has gone back itself."""
    return site.host.run(["sh", "-c", _CONFIRM, "confirm", RUN], timeout=90, check=False).ok


def _arm(site: Site, deadline: int) -> None:
    done = site.host.run(["sh", "-c", _ARM, "arm", RUN, NEXT, str(deadline)], timeout=120, check=False)
    if not done.ok:
        raise HostError(
            host=str(site.host),
            item="network: rollback timer",
            expected="a timer of systemd-run, without which no network is changed",
            found=last_lines(done),
            next_step="systemctl list-timers --all; then the same pulumi command again",
        )


def _follow(site: Site, seconds: float, settled: Callable[[], str]) -> str:
    """Come back and confirm; what was found instead, if that cannot be done in time."""
    end = time.monotonic() + seconds
    found = "no answer"
    while (left := end - time.monotonic()) > 0:
        try:
            site.host.reconnect(left)
            state, _, said = _result(site).partition("\n")
            if state in ("rolled back", "rolling back"):
                return f"its manager failing: {said}" if said else "a rollback"
            found = settled() if state == "applied" else f"a change that is still {state}"
            if not found:
                return "" if confirm(site) else "a rollback before we could confirm"
        except (Unreachable, ConnectionDropped) as error:
            found = error.found
        time.sleep(POLL)
    return found


def _result(site: Site) -> str:
    return site.host.run(["sh", "-c", _RESULT, "result", RUN], timeout=15).text


def _undone(site: Site, aim: str, found: str, deadline: int) -> HostError:
    back = _back(site)
    after = (
        "it rolled back and answers as before" if back else f"its own timer rolls it back after {deadline} s"
    )
    return HostError(
        host=str(site.host),
        item="network",
        expected=f"{aim} within {deadline} s",
        found=f"{found}; {after}",
        next_step="correct `network`, `subnet` or `address` of the machine in the stack file, then pulumi up",
    )


def _back(site: Site) -> bool:
    """Whether the machine was seen to have gone back."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if _result(site).startswith(("rolled back", "gone")):
                return True
        except HostError:
            pass
        time.sleep(POLL)
    return False
