"""NetworkManager, the manager of Raspberry Pi OS since Bookworm: a keyfile."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from providers.network import ini
from providers.network.backend import Backend, Texts
from providers.network.links import Links
from providers.network.settings import Settings

FILE = "/etc/NetworkManager/system-connections/helicon.nmconnection"
RESOLVER = "/etc/NetworkManager/conf.d/91-helicon-dns.conf"
_ID = "helicon"
_NAMESPACE = uuid.UUID("6f2c1f0e-6f4e-5b57-9a52-0b7c3f1f7f10")


class NetworkManager(Backend):
    """One connection of ours, preferred to the others of the interface, which stay."""

    name = "NetworkManager"
    writes_resolver = True
    mode = "0600"
    # which connection to bring up again when ours goes
    down = '[ -e ../connection ] || nmcli -g GENERAL.CON-UUID device show "$1" > ../connection\n'
    up = """
nmcli general reload; nmcli connection reload || exit
if nmcli -g connection.id connection show helicon >/dev/null 2>&1; then nmcli connection up helicon ifname "$1"
else nmcli connection up uuid "$(cat ../connection)" || nmcli device connect "$1"; fi
"""

    def manages(self, links: Links, interface: str) -> bool:
        """Where it runs and manages the interface."""
        state = links.nm.get(interface, ("", "unmanaged"))[1]
        return "NetworkManager" in links.active and not state.startswith("unmanaged")

    def path(self) -> str:
        """The keyfile."""
        return FILE

    def files(self, interface: str, settings: Settings, found: Mapping[str, str]) -> Texts:
        """The keyfile, and whether it writes /etc/resolv.conf."""
        resolver = ini.text({"main": [("dns", "none")]}) if settings.own_resolver else None
        return {FILE: keyfile(interface, settings), RESOLVER: resolver}

    def read(self, interface: str, found: Mapping[str, str]) -> Settings:
        """The keyfile, where it speaks of the interface."""
        sections = ini.parse(found.get(FILE, ""))
        ipv4 = {key: values[-1] for key, values in sections.get("ipv4", {}).items()}
        own = ini.parse(found.get(RESOLVER, "")).get("main", {}).get("dns") == ["none"]
        named = sections.get("connection", {}).get("interface-name") == [interface]
        if not named or ipv4.get("method") != "manual":
            return Settings(own_resolver=own)
        address, _, gateway = ipv4.get("address1", "").partition(",")
        return Settings(
            address=address or None,
            gateway=gateway or ipv4.get("gateway"),
            dns=_items(ipv4.get("dns", "")),
            search=_items(ipv4.get("dns-search", "")),
            own_resolver=own,
        )


def keyfile(interface: str, settings: Settings) -> str:
    """The connection as nm-settings-keyfile(5) has it."""
    connection = [
        ("id", _ID),
        ("uuid", str(uuid.uuid5(_NAMESPACE, interface))),
        ("type", "ethernet"),
        ("interface-name", interface),
        ("autoconnect-priority", "999"),
    ]
    ipv4 = [("method", "manual"), ("address1", settings.address or "")]
    ipv4 += [("gateway", settings.gateway)] if settings.gateway else []
    ipv4 += [("dns", _list(settings.dns))] if settings.dns else []
    ipv4 += [("dns-search", _list(settings.search))] if settings.search else []
    return ini.text({"connection": connection, "ipv4": ipv4, "ipv6": [("method", "auto")]})


def _list(items: tuple[str, ...]) -> str:
    return "".join(f"{one};" for one in items)


def _items(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.replace(",", ";").split(";") if one.strip())
