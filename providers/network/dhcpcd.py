"""dhcpcd, the manager of Raspberry Pi OS up to Bullseye: a block in /etc/dhcpcd.conf."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from providers.network.backend import BEGIN, DELETE, END, OUT, Backend, Texts, with_block
from providers.network.links import Links
from providers.network.settings import Settings

FILE = "/etc/dhcpcd.conf"
_OPTIONS = ("ip_address", "routers", "domain_name_servers", "domain_search", "domain_name")
_NO_HOOK = ["nohook", "resolv.conf"]


class Dhcpcd(Backend):
    """Our block comes last; what others say of the interface's IPv4 is marked out."""

    name = "dhcpcd"
    writes_resolver = True
    # it would take a deleted address for lost, and get it back
    down = "systemctl stop dhcpcd; " + DELETE
    up = "systemctl start dhcpcd\n"

    def manages(self, links: Links, interface: str) -> bool:
        """Where its service runs."""
        return "dhcpcd" in links.active

    def path(self) -> str:
        """Its one file."""
        return FILE

    def files(self, interface: str, settings: Settings, found: Mapping[str, str]) -> Texts:
        """The file with our block."""
        return {FILE: with_block(marked(found.get(FILE, ""), interface), block(interface, settings))}

    def read(self, interface: str, found: Mapping[str, str]) -> Settings:
        """What holds for the interface; of an option that is given twice the last counts."""
        options: dict[str, str] = {}
        own = False
        for words in _of(found.get(FILE, "").splitlines(), interface):
            own = own or words[:2] == _NO_HOOK
            if words[:1] == ["static"] and len(words) > 1:
                key, _, value = " ".join(words[1:]).partition("=")
                options[key] = value
        return Settings(
            address=options.get("ip_address"),
            gateway=options.get("routers"),
            dns=tuple(options.get("domain_name_servers", "").split()),
            search=tuple(options.get("domain_search", "").split()),
            own_resolver=own,
        )


def block(interface: str, settings: Settings) -> list[str]:
    """The lines of our block."""
    options = {
        "ip_address": settings.address,
        "routers": settings.gateway,
        "domain_name_servers": " ".join(settings.dns),
        "domain_search": " ".join(settings.search),
    }
    shown = [f"static {key}={value}" for key, value in options.items() if value]
    hook = [" ".join(_NO_HOOK)] if settings.own_resolver else []
    return [f"interface {interface}", *shown, *hook]


def marked(text: str, interface: str) -> str:
    """The text with other static IPv4 settings of the interface marked out."""
    result, here, own = [], False, False
    for line in text.splitlines(keepends=True):
        words = line.split()
        own = own or line.strip() == BEGIN
        here = _place(words, interface, here)
        hit = here and not own and words[:1] == ["static"] and _is_option(words[1:])
        result.append(OUT + line if hit else line)
        own = own and line.strip() != END
    return "".join(result)


def _is_option(words: list[str]) -> bool:
    return bool(words) and words[0].partition("=")[0] in _OPTIONS


def _place(words: list[str], interface: str, here: bool) -> bool:
    if words[:1] == ["interface"]:
        return words[1:2] == [interface]
    return here and words[:1] not in (["ssid"], ["profile"])


def _of(lines: list[str], interface: str) -> Iterator[list[str]]:
    here = False
    for line in lines:
        words = line.split()
        here = _place(words, interface, here)
        if here and words and not words[0].startswith("#"):
            yield words
