"""Debian's ifupdown: stanzas of interfaces(5) in /etc/network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface

from providers.network.backend import DELETE, END, OUT, Backend, Texts, with_block
from providers.network.links import Links
from providers.network.settings import Settings

FILE = "/etc/network/interfaces"
BELOW = "/etc/network/interfaces.d/"
_STARTS = ("iface", "auto", "mapping", "source", "source-directory", "rename", "no-auto-down", "no-scripts")


class Ifupdown(Backend):
    """Our stanza stands in the main file; others of the same interface are marked out, wherever they are."""

    name = "ifupdown"
    # the former files are still there: a DHCP client is ended as it was begun
    down = 'ifdown --force "$1"; ' + DELETE
    up = 'ifup --force "$1"\n'

    def manages(self, links: Links, interface: str) -> bool:
        """Where it is installed and has a file, and nothing else claimed the interface."""
        return "ifup" in links.tools and FILE in links.files

    def path(self) -> str:
        """The main file."""
        return FILE

    def files(self, interface: str, settings: Settings, found: Mapping[str, str]) -> Texts:
        """The main file with our stanza, and those of interfaces.d that spoke of the interface."""
        ours = {path: marked(text, interface) for path, text in found.items() if _is_ours(path)}
        main = with_block(ours.get(FILE, ""), stanza(interface, settings))
        below = {path: text for path, text in ours.items() if text != found[path] and path != FILE}
        return {FILE: main, **below}

    def read(self, interface: str, found: Mapping[str, str]) -> Settings:
        """The one static stanza; nothing where there are others beside it, or none that starts by itself."""
        lines = [line for path, text in sorted(found.items()) if _is_ours(path) for line in _lines(text)]
        stanzas = [one for one in _stanzas(lines) if one.interface == interface and one.family == "inet"]
        if len(stanzas) != 1 or stanzas[0].method != "static" or not _starts(lines, interface):
            return Settings()
        options = stanzas[0].options
        return Settings(
            address=_address(options),
            gateway=options.get("gateway"),
            dns=tuple(options.get("dns-nameservers", "").split()),
            search=tuple(options.get("dns-search", "").split()),
        )


def stanza(interface: str, settings: Settings) -> list[str]:
    """The lines of our stanza."""
    options = {
        "address": settings.address,
        "gateway": settings.gateway,
        "dns-nameservers": " ".join(settings.dns),
        "dns-search": " ".join(settings.search),
    }
    shown = [f"    {key} {value}" for key, value in options.items() if value]
    return [f"auto {interface}", f"iface {interface} inet static", *shown]


def marked(text: str, interface: str) -> str:
    """The text with every other IPv4 stanza of the interface marked out."""
    result, inside, own = [], False, False
    for line in text.splitlines(keepends=True):
        words = line.split()
        own = own or line.strip().startswith("# helicon: begin")
        if words and _is_start(words[0]):
            inside = words[:3] == ["iface", interface, "inet"]
        result.append(OUT + line if inside and not own and words and not words[0].startswith("#") else line)
        own = own and line.strip() != END
    return "".join(result)


@dataclass(frozen=True, kw_only=True)
class _Stanza:
    interface: str
    family: str
    method: str
    options: dict[str, str]


def _lines(text: str) -> list[list[str]]:
    joined = text.replace("\\\n", " ").splitlines()
    return [line.split() for line in joined if line.strip() and not line.strip().startswith("#")]


def _stanzas(lines: list[list[str]]) -> Iterator[_Stanza]:
    current: _Stanza | None = None
    for words in lines:
        if _is_start(words[0]):
            if current:
                yield current
            current = _begun(words) if words[0] == "iface" and len(words) >= 4 else None
        elif current:
            current.options.setdefault(words[0], " ".join(words[1:]))
    if current:
        yield current


def _begun(words: list[str]) -> _Stanza:
    return _Stanza(interface=words[1], family=words[2], method=words[3], options={})


def _is_start(word: str) -> bool:
    return word in _STARTS or word.startswith("allow-")


def _starts(lines: list[list[str]], interface: str) -> bool:
    return any(
        interface in words[1:] for words in lines if words[0] in ("auto", "allow-auto", "allow-hotplug")
    )


def _address(options: Mapping[str, str]) -> str | None:
    given, mask = options.get("address", ""), options.get("netmask", "")
    try:
        return str(IPv4Interface(given if "/" in given or not mask else f"{given}/{mask}"))
    except ValueError:
        return given or None


def _is_ours(path: str) -> bool:
    return path == FILE or path.startswith(BELOW)
