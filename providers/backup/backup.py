"""Snapshots of the machine's etcd member on a timer, kept with rotation and copied elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from providers.backup import backup_files
from providers.backup.backup_files import DEFAULTS
from providers.backup.backup_script import CONF, SCRIPT, SCRIPT_PATH
from providers.core import service
from providers.core.errors import HostError
from providers.core.files_on_host import Placed, place, text_or_none
from providers.core.host import Argv
from providers.core.options import complete, shown
from providers.core.service import Service, ServiceState
from providers.core.thing import Change, Site
from providers.core.writing import put

UNIT = "helicon-etcd-backup.timer"
TIMER = f"/etc/systemd/system/{UNIT}"
SERVICE = "/etc/systemd/system/helicon-etcd-backup.service"
PATHS = (CONF, SCRIPT_PATH, SERVICE, TIMER)
SAME = "same"
_SAME = """
while [ "$#" -gt 1 ]; do
  [ "$(sha256sum 2>/dev/null < "$1" | cut -c 1-64)" = "$2" ] || exit 0
  shift 2
done
echo same
"""
_JUDGE = """
command -v systemd-analyze >/dev/null || exit 0
systemd-analyze calendar "$1" >/dev/null && systemd-analyze timespan "$2" >/dev/null
"""


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# The two that hold no option are compared where they lie: the script is long.
_READ: list[Argv] = [
    ("cat", CONF),
    ("cat", TIMER),
    ("sh", "-c", _SAME, "same", SCRIPT_PATH, _sum(SCRIPT), SERVICE, _sum(backup_files.SERVICE)),
]


class Backup(Service):
    """Options of the backups, read back from their files, so that a change by hand is named."""

    name = "backup"
    defaults = DEFAULTS
    file = CONF

    def questions(self, managed: ServiceState) -> Sequence[Argv]:
        """The script, its configuration, and the units."""
        return [*_READ, *service.questions(UNIT)]

    def observe(self, site: Site, managed: ServiceState) -> ServiceState:
        """The options that the files have; anything in them that is not ours shows as `content`."""
        conf, timer, fixed, enabled, active = site.host.ask(self.questions(managed))
        amiss = service.amiss(enabled, active)
        if not conf.ok:
            return ServiceState(options=None, amiss=amiss)
        texts = [text_or_none(conf) or "", text_or_none(timer) or ""]
        found = backup_files.parse(*texts)
        if fixed.text != SAME or texts != [backup_files.conf(found), backup_files.timer(found)]:
            amiss[service.CONTENT] = service.DIFFERS
        return ServiceState(options=shown(DEFAULTS, found, managed.options or {}), amiss=amiss)

    def apply(self, site: Site, changes: Sequence[Change], desired: ServiceState) -> None:
        """Write script, configuration and units, then let the timer run by them."""
        options = complete(DEFAULTS, desired.options or {})
        _judge(site, str(options["schedule"]), str(options["jitter"]))
        service.remember_unit(site, self.name, UNIT)
        site.journal.keep_files(PATHS)
        rewritten = service.of_file(changes)
        if rewritten:
            place(site, {SCRIPT_PATH: Placed(content=SCRIPT, mode="0755")})
            put(site, SERVICE, backup_files.SERVICE)
            put(site, TIMER, backup_files.timer(options))
            put(site, CONF, backup_files.conf(options))
        service.bring_up(site, UNIT, "restart" if rewritten else "start")

    def remove(self, site: Site, managed: ServiceState) -> None:
        """Script, configuration and units go; snapshots that were taken stay."""
        service.give_back(site, self.name, UNIT, PATHS)
        directory = complete(DEFAULTS, managed.options or {})["directory"]
        site.say(f"backup: the snapshots stay in {directory}")


def _judge(site: Site, schedule: str, jitter: str) -> None:
    """Let systemd see the times first: a timer that it cannot read would simply never run."""
    done = site.host.run(["sh", "-c", _JUDGE, "judge", schedule, jitter], check=False)
    if not done.ok:
        raise HostError(
            host=str(site.host),
            item="backup.schedule",
            expected="a calendar event that systemd understands",
            found=service.last_lines(done),
            next_step=f"systemd-analyze calendar '{schedule}'; then correct helicon:backup in the stack file",
        )
