"""apt-get, patient with locks and able to mend what it can, with errors that say what is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

from providers.core.causes import check, explain
from providers.core.host import Argv, Completed
from providers.core.thing import Site

LOCK_SECONDS = 600
"""How long to wait for another apt: a fresh board runs its daily upgrade right after boot."""
_ENVIRONMENT = ("env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "NEEDRESTART_SUSPEND=1")
_OLD_CONFFILES = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
_INTERRUPTED = re.compile(r"dpkg --configure -a|Unmet dependencies\. Try 'apt --fix-broken")
_UNKNOWN = re.compile(
    r"Unable to locate package|has no installation candidate|was not found"
    r"|404 +Not Found|Hash Sum|File not found"
)
# apt waits for dpkg's lock by itself, but not for that of its lists
_UPDATE = f"""
for try in $(seq {LOCK_SECONDS // 5}); do
  said=$({" ".join(_ENVIRONMENT)} apt-get update -q "$@" 2>&1); status=$?
  case "$said" in *"Could not get lock"*) sleep 5 ;; *) break ;; esac
done
printf '%s\\n' "$said" >&2
case "$said" in *"
E: "*|"E: "*|*"W: Failed to fetch"*) exit 100 ;; esac
exit "$status"
"""
# dpkg waits for nobody, and so neither does what calls it directly
_WHEN_FREE = f"""
when_free() {{
  for try in $(seq {LOCK_SECONDS // 5}); do
    said=$("$@" 2>&1); status=$?
    case "$said" in *"lock was locked"*|*"is locked by another process"*) sleep 5 ;; *) break ;; esac
  done
  printf '%s\\n' "$said" >&2; return "$status"
}}
export {" ".join(_ENVIRONMENT[1:])}
"""
_REPAIR = f"""{_WHEN_FREE}
when_free dpkg --force-confdef --force-confold --configure -a
apt-get -y -q -o DPkg::Lock::Timeout={LOCK_SECONDS} {" ".join(_OLD_CONFFILES)} --fix-broken install >&2
"""
_MARK = f"""{_WHEN_FREE}
when_free apt-mark "$@"
"""


def argv(*args: str) -> Argv:
    """apt-get without questions, keeping configuration files that were changed."""
    lock = f"DPkg::Lock::Timeout={LOCK_SECONDS}"
    return (*_ENVIRONMENT, "apt-get", "-y", "-q", "-o", lock, *_OLD_CONFFILES, *args)


def run(site: Site, item: str, *args: str) -> Completed:
    """Run apt-get; an interrupted dpkg and outdated lists are mended, each once, before it gives up."""
    cures = {_INTERRUPTED: repair, _UNKNOWN: _refresh}
    while True:
        done = site.host.run(argv(*args), timeout=LOCK_SECONDS + 1800, check=False)
        if done.ok:
            return done
        symptom = next((one for one in cures if one.search(_said(done))), None)
        if symptom is None:
            raise explain(site.host, item, done)
        cures.pop(symptom)(site)


def update(site: Site, item: str, *options: str) -> None:
    """Fetch the package lists, with `options` of one repository; that one cannot be fetched is an error."""
    site.say(f"apt-get update of {item}")
    check(site.host, item, _update(site, options))


def repair(site: Site) -> None:
    """Finish what an interrupted dpkg left half-done."""
    site.say("dpkg --configure -a")
    done = site.host.run(["sh", "-c", _REPAIR, "repair"], timeout=LOCK_SECONDS + 1800, check=False)
    check(site.host, "dpkg --configure -a", done)


def parse_simulation(text: str) -> tuple[list[str], list[str]]:
    """The packages that `apt-get --simulate` would newly install, and those that it would remove."""
    installs = re.findall(r"^Inst (\S+?)(?::\S+)? \(", text, re.MULTILINE)
    removes = re.findall(r"^(?:Remv|Purg) (\S+?)(?::\S+)? ", text, re.MULTILINE)
    return installs, removes


def simulate(site: Site, item: str, *args: str) -> tuple[list[str], list[str]]:
    """What apt-get would newly install and remove."""
    return parse_simulation(run(site, item, "--simulate", *args).text)


def mark(site: Site, verb: str, names: Sequence[str]) -> None:
    """apt-mark hold or unhold, once no other dpkg runs."""
    if names:
        done = site.host.run(
            ["sh", "-c", _MARK, "mark", verb, *names], timeout=LOCK_SECONDS + 120, check=False
        )
        check(site.host, f"apt-mark {verb}", done)


def _said(done: Completed) -> str:
    return (done.stderr + done.stdout).decode("utf-8", "replace")


def _update(site: Site, options: Sequence[str]) -> Completed:
    script = ["sh", "-c", _UPDATE, "update", *options]
    return site.host.run(script, timeout=LOCK_SECONDS + 600, check=False)


def _refresh(site: Site) -> None:
    """Update all lists; a repository of someone else's that fails does not matter here."""
    site.say("apt-get update")
    _update(site, [])
