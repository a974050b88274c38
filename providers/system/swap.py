"""Swap, which a kubelet refuses to start with: off now, and at every start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from providers.core.errors import HostError
from providers.core.files_on_host import rewrite, text_or_none
from providers.core.host import Argv, Completed
from providers.core.service import last_lines
from providers.core.thing import Change, Json, Site, Thing
from providers.facts.family import all_of
from providers.system.units import parse_show
from providers.system.units import path as unit_path

FSTAB = "/etc/fstab"
MARK = "#helicon: "
SERVICES = all_of(lambda family: family.swap)
"""What makes swap on boards."""
_ON = re.compile(r"on \((.*)\)")
_AT_START = ("enabled", "enabled-runtime", "generated")
"""States of a unit that starts with the machine; systemd makes units of init scripts, generators others."""
_SWAPOFF_SECONDS = 300
"""Gigabytes may have to come back from an SD card at 20 MB/s."""

_DEVICES: Argv = ("cat", "/proc/swaps")
_TABLE: Argv = ("cat", FSTAB)
_UNITS: Argv = ("systemctl", "list-units", "--type=swap", "--all", "--plain", "--no-legend", "--no-pager")
_SERVICES: Argv = ("systemctl", "show", "-p", "Id,UnitFileState,ActiveState", "--", *SERVICES)
_DEVICE, _UNIT = "device ", "unit "
_ASK = (_DEVICES, _TABLE, _UNITS, _SERVICES)

# Stopped before they are masked: a masked unit has forgotten how to stop. Where systemd knows of no
# swap, it need not read again that there is none: that costs a board more than all the rest.
_OFF = """
if [ "$#" -gt 0 ]; then
  systemctl stop "$@"
  for unit; do ln -sfn /dev/null "/etc/systemd/system/$unit" || exit; done
  systemctl daemon-reload
fi
swapoff -a
"""
_BACK = """
systemctl daemon-reload
[ "$#" -eq 0 ] || systemctl start "$@"
swapon -a
"""
_DEVICE_BACK = 'grep -q "^$1 " /proc/swaps || swapon $2 "$1"'


@dataclass(frozen=True, kw_only=True)
class SwapState:
    """What makes swap, now or at the next start: devices, "/etc/fstab", units. Empty: swap is off."""

    sources: tuple[str, ...] = ()


class Swap(Thing[SwapState]):
    """Off is: no device, no line in /etc/fstab, and no unit that would bring one back."""

    name = "swap"

    def parse(self, value: Json) -> SwapState:
        """From "off", or "on (/dev/zram0, /etc/fstab)"."""
        on = _ON.fullmatch(str(value))
        return SwapState(sources=tuple(on.group(1).split(", ")) if on else ())

    def render(self, state: SwapState) -> Json:
        """To the same."""
        return f"on ({', '.join(state.sources)})" if state.sources else "off"

    def questions(self, managed: SwapState) -> Sequence[Argv]:
        """Kernel, table, swap units, and the services that make swap."""
        return list(_ASK)

    def observe(self, site: Site, managed: SwapState) -> SwapState:
        """All sources of swap."""
        devices, table, units, services = site.host.ask(_ASK)
        listed = [FSTAB] if with_marks(_table(table)) != _table(table) else []
        made = {**parse_units(units.text), **parse_services(services.text)}
        return SwapState(sources=(*parse_devices(devices.text), *listed, *made))

    def plan(self, current: SwapState, desired: SwapState) -> list[Change]:
        """One change for each source that is there and shall not be."""
        extra = [one for one in current.sources if one not in desired.sources]
        return [Change(field=one, was="on", now="off") for one in extra]

    def apply(self, site: Site, changes: Sequence[Change], desired: SwapState) -> None:
        """Mark the lines of the table, mask the units, then give the memory back."""
        devices, table, units, services = site.host.ask(_ASK)
        masked = {**parse_units(units.text), **parse_services(services.text)}
        before = {f"{_DEVICE}{name}": priority for name, priority in parse_devices(devices.text).items()}
        before |= {f"{_UNIT}{unit}": how for unit, how in masked.items()}
        site.journal.remember(self.name, before, files=[unit_path(unit) for unit in masked])
        text = _table(table)
        if with_marks(text) != text:
            rewrite(site, FSTAB, with_marks(text))
        done = site.host.run(["sh", "-c", _OFF, "off", *masked], timeout=_SWAPOFF_SECONDS, check=False)
        left = list(parse_devices(site.host.ask(_ASK)[0].text))
        if left or not done.ok:
            raise _stays_on(site, left, done)

    def remove(self, site: Site, managed: SwapState) -> None:
        """Table, units and devices as they were."""
        entries = site.journal.entries(self.name)
        units = _entries(entries, _UNIT)
        site.journal.restore_files([unit_path(unit) for unit in sorted(units)])
        (table,) = site.host.ask([_TABLE])
        text = _table(table)
        if without_marks(text) != text:
            rewrite(site, FSTAB, without_marks(text))
        elif not entries:
            return
        active = sorted(unit for unit, how in units.items() if how == "active")
        site.host.run(["sh", "-c", _BACK, "back", *active], timeout=_SWAPOFF_SECONDS, check=False)
        for device, priority in _entries(entries, _DEVICE).items():
            _device_back(site, device, priority)
        site.journal.forget(self.name, entries)

    def minus(self, old: SwapState, new: SwapState) -> SwapState | None:
        """Nothing: the property is managed whole or not at all."""
        return None


def parse_devices(text: str) -> dict[str, str]:
    """Priorities by device, from /proc/swaps."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return {row[0].replace("\\040", " "): row[4] for row in rows if len(row) == 5}


def parse_units(text: str) -> dict[str, str]:
    """How active the swap units are that are defined and not masked, from `systemctl list-units`."""
    rows = [line.split() for line in text.splitlines()]
    return {row[0]: row[2] for row in rows if len(row) > 3 and row[1] == "loaded"}


def parse_services(text: str) -> dict[str, str]:
    """How active the services are that make swap now or at the next start."""
    return {
        one["Id"]: one["ActiveState"]
        for one in parse_show(text)
        if one.get("ActiveState") == "active" or one.get("UnitFileState") in _AT_START
    }


def with_marks(table: str) -> str:
    """The fstab(5) with its swap lines marked out."""
    return "".join(MARK + line if _is_swap(line) else line for line in table.splitlines(keepends=True))


def without_marks(table: str) -> str:
    """The reverse."""
    return "".join(line.removeprefix(MARK) for line in table.splitlines(keepends=True))


def _is_swap(line: str) -> bool:
    fields = line.split()
    return len(fields) > 2 and not fields[0].startswith("#") and fields[2] == "swap"


def _table(answer: Completed) -> str:
    return text_or_none(answer) or ""


def _entries(entries: Mapping[str, str], kind: str) -> dict[str, str]:
    return {key.removeprefix(kind): how for key, how in sorted(entries.items()) if key.startswith(kind)}


def _device_back(site: Site, device: str, priority: str) -> None:
    option = "" if priority.startswith("-") else f"-p{priority}"
    done = site.host.run(["sh", "-c", _DEVICE_BACK, "device-back", device, option], check=False)
    if not done.ok:
        site.say(f"swap: {device} could not be turned on again: {last_lines(done)}")


def _stays_on(site: Site, left: Sequence[str], done: Completed) -> HostError:
    memory = "free memory on the machine, since swapoff needs room for all that is swapped out"
    said = f": {last_lines(done)}" if done.stderr else ""
    return HostError(
        host=str(site.host),
        item="swap",
        expected="off",
        found=f"{', '.join(left) or 'an error'}{said}",
        next_step="systemctl list-units --type=swap; cat /proc/swaps (on the machine)" if done.ok else memory,
    )
