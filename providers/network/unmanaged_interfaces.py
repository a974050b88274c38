"""The interfaces of pods, which NetworkManager must leave alone; a machine without it is not touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from providers.core.host import Argv
from providers.core.thing import Change, Json, Site, Thing
from providers.core.writing import put
from providers.network import ini

FILE = "/etc/NetworkManager/conf.d/90-helicon.conf"
_NAME = "interface-name:"
_ASK: tuple[Argv, ...] = (("systemctl", "is-active", "NetworkManager"), ("cat", FILE))
_RELOAD = "systemctl is-active -q NetworkManager || exit 0; nmcli general reload conf"


@dataclass(frozen=True, kw_only=True)
class UnmanagedInterfacesState:
    """Names of interfaces, with * for any end."""

    names: tuple[str, ...] = ()


class UnmanagedInterfaces(Thing[UnmanagedInterfacesState]):
    """A file of ours that adds to whatever other files leave unmanaged."""

    name = "unmanaged_interfaces"

    def parse(self, value: Json) -> UnmanagedInterfacesState:
        """From ["cni*", "flannel*"]."""
        return UnmanagedInterfacesState(names=tuple(cast(list[str], value)))

    def render(self, state: UnmanagedInterfacesState) -> Json:
        """To the same."""
        return list(state.names)

    def questions(self, managed: UnmanagedInterfacesState) -> Sequence[Argv]:
        """NetworkManager, and our file."""
        return list(_ASK)

    def observe(self, site: Site, managed: UnmanagedInterfacesState) -> UnmanagedInterfacesState:
        """What our file says; without NetworkManager nothing manages any interface."""
        active, file = site.host.ask(_ASK)
        if active.text not in ("active", "reloading"):
            return managed
        return UnmanagedInterfacesState(names=parse(file.text if file.ok else ""))

    def plan(self, current: UnmanagedInterfacesState, desired: UnmanagedInterfacesState) -> list[Change]:
        """One change for each name that is missing or too many."""
        missing = [
            Change(field=one, was=None, now="unmanaged") for one in desired.names if one not in current.names
        ]
        extra = [
            Change(field=one, was="unmanaged", now=None) for one in current.names if one not in desired.names
        ]
        return [*missing, *extra]

    def apply(self, site: Site, changes: Sequence[Change], desired: UnmanagedInterfacesState) -> None:
        """Write the file; NetworkManager takes it up without touching a connection."""
        site.journal.keep_files([FILE])
        put(site, FILE, text(desired.names))
        site.host.run(["sh", "-c", _RELOAD, "reload"])

    def remove(self, site: Site, managed: UnmanagedInterfacesState) -> None:
        """The file as it was."""
        site.journal.restore_files([FILE])
        site.host.run(["sh", "-c", _RELOAD, "reload"], check=False)

    def minus(
        self, old: UnmanagedInterfacesState, new: UnmanagedInterfacesState
    ) -> UnmanagedInterfacesState | None:
        """Nothing: the list is one."""
        return None


def text(names: Sequence[str]) -> str:
    """The file as NetworkManager.conf(5) has it; += adds to the lists of other files."""
    return ini.text({"keyfile": [("unmanaged-devices+", ";".join(f"{_NAME}{one}" for one in names))]})


def parse(content: str) -> tuple[str, ...]:
    """The names in such a file."""
    values = ini.parse(content).get("keyfile", {}).get("unmanaged-devices+", [])
    items = [item.strip() for value in values for item in value.split(";")]
    return tuple(item.removeprefix(_NAME) for item in items if item)
