"""What a machine's network is now: interfaces, default routes, managers and their files; only reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from providers.core.host import Argv, Completed

RESOLV_CONF = "/etc/resolv.conf"
PATHS = (
    "/etc/network/interfaces",
    "/etc/dhcpcd.conf",
    "/etc/systemd/network/00-helicon.network",
    "/etc/NetworkManager/system-connections/helicon.nmconnection",
    "/etc/NetworkManager/conf.d/91-helicon-dns.conf",
    RESOLV_CONF,
)
SERVICES = ("NetworkManager", "systemd-networkd", "dhcpcd")
_ROLLBACK: Argv = ("systemctl", "is-active", "helicon-network-rollback.timer")

# A line of mode and path before each file, a space before each of its lines.
_FILES = r"""
for path in "$@" /etc/network/interfaces.d/* /etc/netplan/*.yaml; do
  if [ -f "$path" ]; then echo "$(stat -L -c %a -- "$path") $path"; sed 's/^/ /' -- "$path"; fi
done
"""
_TOOLS = 'for tool; do if command -v "$tool" >/dev/null; then echo "$tool"; fi; done'
QUESTIONS: tuple[Argv, ...] = (
    ("ip", "-j", "-4", "addr", "show"),
    ("ip", "-j", "-4", "route", "show", "default"),
    *(("systemctl", "is-active", service) for service in SERVICES),
    ("nmcli", "-t", "-f", "DEVICE,TYPE,STATE", "device"),
    ("networkctl", "list", "--no-legend", "--no-pager"),
    ("sh", "-c", _TOOLS, "tools", "netplan", "ifup"),
    ("sh", "-c", _FILES, "files", *PATHS),
    _ROLLBACK,
)


@dataclass(frozen=True, kw_only=True)
class File:
    """A configuration file: its text, and its mode in octal digits."""

    text: str
    mode: str


@dataclass(frozen=True, kw_only=True)
class Links:
    """A machine's network."""

    addresses: Mapping[str, Sequence[str]]
    """Global IPv4 addresses with prefix lengths, by interface."""
    gateways: Mapping[str, str]
    """Gateway of the default route, by interface."""
    active: frozenset[str]
    nm: Mapping[str, tuple[str, str]]
    """Type and state of each device that NetworkManager knows."""
    networkd: Mapping[str, str]
    """How systemd-networkd has set up each link."""
    tools: frozenset[str]
    files: Mapping[str, File]
    pending: bool
    """Whether the machine still waits for a change to be confirmed."""

    def texts(self) -> dict[str, str]:
        """The files' texts by path."""
        return {path: file.text for path, file in self.files.items()}

    def interface(self, wanted: str, address: str, reached_at: str) -> str:
        """The interface to configure: the named one, or the one that carries the machine; "" for none."""
        return (
            wanted
            or next((name for name, all_ in self.addresses.items() if address in all_), "")
            or next((name for name, all_ in self.addresses.items() if reached_at in _bare(all_)), "")
            or next((name for name in self.gateways), "")
            or next((name for name, all_ in self.addresses.items() if all_), "")
        )

    def is_wireless(self, interface: str) -> bool:
        """Whether it needs more than an address: a network's name and its secret."""
        return self.nm.get(interface, ("", ""))[0] == "wifi" or interface.startswith("wl")


def _bare(addresses: Sequence[str]) -> list[str]:
    return [one.partition("/")[0] for one in addresses]


def read(answers: Sequence[Completed]) -> Links:
    """The answers to QUESTIONS."""
    addresses, routes, *active, nm, networkd, tools, files, rollback = answers
    parsed = parse_files(files.text)
    return Links(
        addresses=parse_addresses(addresses.text),
        gateways=parse_gateways(routes.text),
        active=frozenset(
            name for name, one in zip(SERVICES, active, strict=True) if one.text in ("active", "reloading")
        ),
        nm=parse_nm(nm.text if nm.ok else ""),
        networkd=parse_networkd(networkd.text if networkd.ok else ""),
        tools=frozenset(tools.text.split()),
        files=parsed,
        pending=rollback.text == "active",
    )


def parse_addresses(text: str) -> dict[str, list[str]]:
    """From `ip -j -4 addr`."""
    return {
        one["ifname"]: [
            f"{info['local']}/{info['prefixlen']}"
            for info in one["addr_info"]
            if info.get("scope") == "global"
        ]
        for one in json.loads(text or "[]")
        if "ifname" in one
    }


def parse_gateways(text: str) -> dict[str, str]:
    """From `ip -j -4 route show default`; of several the first, which wins, counts."""
    routes = [one for one in json.loads(text or "[]") if "gateway" in one]
    return {one["dev"]: one["gateway"] for one in reversed(routes)}


def parse_nm(text: str) -> dict[str, tuple[str, str]]:
    """From `nmcli -t`: type and state by device."""
    rows = [line.split(":") for line in text.splitlines()]
    return {row[0]: (row[1], row[2]) for row in rows if len(row) == 3}


def parse_networkd(text: str) -> dict[str, str]:
    """From `networkctl list`: the last column by link."""
    rows = [line.replace("●", " ").split() for line in text.splitlines()]
    return {row[1]: row[-1] for row in rows if len(row) >= 5}


def parse_files(text: str) -> dict[str, File]:
    """The files by path."""
    found: dict[str, File] = {}
    path = ""
    for line in text.splitlines():
        if not line.startswith(" "):
            mode, _, path = line.partition(" ")
            found[path] = File(text="", mode=mode.zfill(4))
        else:
            found[path] = File(text=f"{found[path].text}{line[1:]}\n", mode=found[path].mode)
    return found
