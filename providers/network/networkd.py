"""systemd-networkd, the manager of Photon OS and of many cloud images: a .network file."""

from __future__ import annotations

from collections.abc import Mapping

from providers.network import ini
from providers.network.backend import Backend, Texts
from providers.network.links import Links
from providers.network.settings import Settings

FILE = "/etc/systemd/network/00-helicon.network"
"""Of all files that match, networkd takes the first by name: 00 comes before what images and tools write."""


class Networkd(Backend):
    """One file of ours; everything else stays where it is."""

    name = "systemd-networkd"
    mode = "0644"
    # networkctl knows `reload` since systemd 244
    up = """
networkctl reload && networkctl reconfigure "$1" || systemctl restart systemd-networkd
"""

    def manages(self, links: Links, interface: str) -> bool:
        """Where it runs, and does not call the interface unmanaged."""
        setup = links.networkd.get(interface, "unmanaged")
        return "systemd-networkd" in links.active and setup not in ("unmanaged", "n/a", "-")

    def path(self) -> str:
        """Our file."""
        return FILE

    def files(self, interface: str, settings: Settings, found: Mapping[str, str]) -> Texts:
        """Our file."""
        lines = [("Address", settings.address or "")]
        lines += [("Gateway", settings.gateway)] if settings.gateway else []
        lines += [("DNS", one) for one in settings.dns]
        lines += [("Domains", " ".join(settings.search))] if settings.search else []
        return {FILE: ini.text({"Match": [("Name", interface)], "Network": lines})}

    def read(self, interface: str, found: Mapping[str, str]) -> Settings:
        """Our file, where it speaks of the interface."""
        sections = ini.parse(found.get(FILE, ""))
        network = sections.get("Network", {})
        if sections.get("Match", {}).get("Name") != [interface]:
            return Settings()
        return Settings(
            address=next(iter(network.get("Address", [])), None),
            gateway=next(iter(network.get("Gateway", [])), None),
            dns=_words(network.get("DNS", [])),
            search=_words(network.get("Domains", [])),
        )


def _words(values: list[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in value.split())
