"""Files of lines like KEY=value, of which only some keys are ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from providers.core.files_on_host import rewrite
from providers.core.thing import Site

_LINE = re.compile(r"^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$", re.MULTILINE)


def parse(text: str) -> dict[str, str]:
    """Values by key as they are written, quotes included; the last line of a key counts."""
    return dict(_LINE.findall(text))


def plain(value: str) -> str:
    """A value without its quotes."""
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def merged(text: str, values: Mapping[str, str | None]) -> str:
    """The text with these values, as they are to be written, in place; without the keys that are None."""
    kept = []
    left = dict(values)
    for line in text.splitlines(keepends=True):
        match = _LINE.match(line)
        key = match.group(1) if match else ""
        if key not in values:
            kept.append(line)
        elif (value := left.pop(key, None)) is not None:
            kept.append(f"{key}={value}\n")
    if kept and not kept[-1].endswith("\n"):
        kept[-1] += "\n"
    return "".join(kept) + "".join(f"{key}={value}\n" for key, value in left.items() if value is not None)


def put(site: Site, thing: str, path: str, text: str, values: Mapping[str, str]) -> None:
    """Write the values, quoted, into the file that holds `text`; what they replace goes to the journal."""
    found = parse(text)
    before = {key: f"={found[key]}" if key in found else "" for key in values}
    site.journal.remember(thing, before)
    site.journal.keep_files([path])
    rewrite(site, path, merged(text, {key: f'"{one}"' for key, one in values.items()}))


def give_back(site: Site, thing: str, path: str, text: str, keys: Iterable[str]) -> bool:
    """The former values; a file that was not there goes with its last line. Whether there was anything."""
    entries = site.journal.entries(thing)
    before = {key: entries[key] for key in keys if key in entries}
    rest = merged(text, {key: one[1:] if one else None for key, one in before.items()})
    last = before.keys() == entries.keys()
    if before and (rest or not last):
        rewrite(site, path, rest)
    if last and rest:
        site.journal.forget_files([path])
    elif last:
        site.journal.restore_files([path])
    site.journal.forget(thing, before)
    return bool(before)
