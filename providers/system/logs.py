"""The system's journal: how much of it, where, and how fast, so that it does not wear out an SD card."""

from __future__ import annotations

from providers.core.thing import Json, Site
from providers.system.own_file import OwnFile

UNIT = "systemd-journald.service"
_KEYS = {
    "storage": ("Storage",),
    "max_use": ("SystemMaxUse", "RuntimeMaxUse"),
    "max_age": ("MaxRetentionSec",),
    "sync_interval": ("SyncIntervalSec",),
    "rate_interval": ("RateLimitIntervalSec",),
    "rate_burst": ("RateLimitBurst",),
}
"""Our options in journald.conf(5)."""


class Logs(OwnFile):
    """A drop-in for journald; a size counts for the journal on disk and for the one in memory."""

    name = "logs"
    path = "/etc/systemd/journald.conf.d/60-helicon.conf"

    def text(self, options: dict[str, Json]) -> str:
        """The drop-in."""
        lines = [f"{key}={options[name]}" for name, keys in _KEYS.items() if name in options for key in keys]
        return "".join(f"{line}\n" for line in ["# written by helicon", "[Journal]", *lines])

    def read(self, site: Site) -> None:
        """journald reads its files only as it starts; what is written to it meanwhile is not lost."""
        site.host.run(["systemctl", "restart", UNIT], timeout=120)
