"""Sections of `Key=value` lines, as systemd and NetworkManager write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Sections = Mapping[str, Iterable[tuple[str, str]]]


def text(sections: Sections) -> str:
    """A file of these sections."""
    parts = [
        "".join([f"[{name}]\n", *(f"{key}={value}\n" for key, value in pairs)])
        for name, pairs in sections.items()
    ]
    return "\n".join(parts)


def parse(content: str) -> dict[str, dict[str, list[str]]]:
    """The values by section and key; a key may come several times."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in (one.strip() for one in content.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = found.setdefault(line[1:-1], {})
        elif line and line[0] not in "#;" and "=" in line:
            key, _, value = line.partition("=")
            section.setdefault(key.strip(), []).append(value.strip())
    return found
