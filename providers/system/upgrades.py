"""What unattended-upgrades may do by itself: nothing, security, or all; never a restart of the machine."""

from __future__ import annotations

from typing import cast

from providers.core.thing import Json, Site
from providers.system.own_file import OwnFile

_SECURITY = ("label=Debian-Security", "origin=Ubuntu,archive=${distro_codename}-security")
_ALL = (
    "origin=Debian",
    "origin=Ubuntu",
    "origin=Raspbian",
    "origin=Raspberry Pi Foundation",
    "origin=Armbian",
)
_PATTERNS = {"off": (), "security": _SECURITY, "all": _ALL}
_INSTALLED = "command -v apt-get >/dev/null && command -v unattended-upgrade >/dev/null"


class Upgrades(OwnFile):
    """apt.conf(5) settings that come after the distribution's and take the place of its lists."""

    name = "upgrades"
    path = "/etc/apt/apt.conf.d/52helicon-unattended"

    def text(self, options: dict[str, Json]) -> str:
        """The settings."""
        automatic = str(options["automatic"])
        blocked = cast(list[str], options.get("blocked", []))
        periodic = "0" if automatic == "off" else "1"
        lines = [
            "// written by helicon",
            f'APT::Periodic::Update-Package-Lists "{periodic}";',
            f'APT::Periodic::Unattended-Upgrade "{periodic}";',
            'Unattended-Upgrade::Automatic-Reboot "false";',
            "#clear Unattended-Upgrade::Allowed-Origins;",
            "#clear Unattended-Upgrade::Origins-Pattern;",
            *(f'Unattended-Upgrade::Origins-Pattern:: "{one}";' for one in _PATTERNS[automatic]),
            *(f'Unattended-Upgrade::Package-Blacklist:: "^{one}$";' for one in blocked),
        ]
        return "".join(f"{line}\n" for line in lines)

    def read(self, site: Site) -> None:
        """apt reads it each time; that the program is missing is said, since it comes with `packages`."""
        (installed,) = site.host.ask([("sh", "-c", _INSTALLED, "installed")])
        if not installed.ok:
            site.say("upgrades: unattended-upgrades is not installed: list it in packages")
