"""netplan, in front of systemd-networkd or NetworkManager on Ubuntu, Armbian and Raspberry Pi OS from Trixie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from providers.network.backend import Backend, Texts
from providers.network.links import Links
from providers.network.settings import Settings

FILE = "/etc/netplan/90-helicon.yaml"
ID = "0-helicon"
"""A definition of its own: lists of one and the same would be joined with other files', and addresses stay.

What it generates for networkd is named after it, and of several files that match the first by name wins.
"""


class Netplan(Backend):
    """One file of ours beside the others."""

    name = "netplan"
    mode = "0600"
    up = f"""
netplan generate && netplan apply || exit
if nmcli -g connection.id connection show netplan-{ID} >/dev/null 2>&1; then nmcli connection up netplan-{ID}; fi
"""

    def manages(self, links: Links, interface: str) -> bool:
        """Where it is installed and somebody gave it something to do."""
        return "netplan" in links.tools and any(path.startswith("/etc/netplan/") for path in links.files)

    def path(self) -> str:
        """Our file."""
        return FILE

    def files(self, interface: str, settings: Settings, found: Mapping[str, str]) -> Texts:
        """Our file."""
        one: dict[str, Any] = {
            "match": {"name": interface},
            "dhcp4": False,
            "addresses": [settings.address],
        }
        if settings.gateway:
            # `default` is known since netplan 0.102, this to all
            one["routes"] = [{"to": "0.0.0.0/0", "via": settings.gateway}]
        names = {"addresses": list(settings.dns), "search": list(settings.search)}
        if settings.dns or settings.search:
            one["nameservers"] = {key: value for key, value in names.items() if value}
        whole = {"network": {"version": 2, "ethernets": {ID: one}}}
        return {FILE: yaml.safe_dump(whole, sort_keys=False)}

    def read(self, interface: str, found: Mapping[str, str]) -> Settings:
        """Our definition, where it speaks of the interface."""
        one = _definition(found.get(FILE, ""))
        if one.get("match") != {"name": interface} or one.get("dhcp4") is not False:
            return Settings()
        routes = [route for route in one.get("routes", []) if route.get("to") == "0.0.0.0/0"]
        names = one.get("nameservers", {})
        return Settings(
            address=next(iter(one.get("addresses", [])), None),
            gateway=routes[0]["via"] if routes else None,
            dns=tuple(names.get("addresses", [])),
            search=tuple(names.get("search", [])),
        )


def _definition(text: str) -> dict[str, Any]:
    """Our definition; nothing where the file is not what we wrote."""
    found: Any
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    for key in ("network", "ethernets", ID):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
