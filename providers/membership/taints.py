"""Taints of the machine's Node object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.membership import node_object


@dataclass(frozen=True, kw_only=True)
class TaintsState:
    """Taint values by "key:Effect"; None where the node has no such taint."""

    values: dict[str, str | None] = field(default_factory=dict)


class Taints(Thing[TaintsState]):
    """Taints as configured; those that Kubernetes itself sets (not-ready, unreachable) are left alone."""

    name = "taints"

    def parse(self, value: Json) -> TaintsState:
        """From {"key:Effect": "value"}."""
        pairs = cast(dict[str, str], value)
        return TaintsState(values={key: None if one == ABSENT else str(one) for key, one in pairs.items()})

    def render(self, state: TaintsState) -> Json:
        """To {"key:Effect": "value"}."""
        return {key: ABSENT if one is None else one for key, one in state.values.items()}

    def questions(self, managed: TaintsState) -> Sequence[Argv]:
        """The Node object."""
        return [node_object.NODE]

    def observe(self, site: Site, managed: TaintsState) -> TaintsState:
        """The taints that the node carries, of those managed."""
        node = node_object.read(site)
        found = {} if node is None else by_key(node["spec"].get("taints", []))
        return TaintsState(values={key: found.get(key) for key in managed.values})

    def plan(self, current: TaintsState, desired: TaintsState) -> list[Change]:
        """One change for each taint that differs."""
        return differences(current.values, desired.values)

    def apply(self, site: Site, changes: Sequence[Change], desired: TaintsState) -> None:
        """Set the taints in one call."""
        self._taint(site, {change.field: cast(str | None, change.now) for change in changes})

    def remove(self, site: Site, managed: TaintsState) -> None:
        """Take the taints off, unless the node leaves and takes them along."""
        if site.leaving or node_object.read(site) is None:
            return
        self._taint(site, dict.fromkeys(managed.values))

    def minus(self, old: TaintsState, new: TaintsState) -> TaintsState | None:
        """The taints that are no longer listed."""
        gone = {key: value for key, value in old.values.items() if key not in new.values}
        return TaintsState(values=gone) if gone else None

    def _taint(self, site: Site, values: dict[str, str | None]) -> None:
        node = node_object.read(site)
        if node is None:
            return
        taints = by_key(node["spec"].get("taints", []))
        for key, value in values.items():
            taints.pop(key, None)
            if value is not None:
                taints[key] = value
        patch = json.dumps({"spec": {"taints": [taint(key, value) for key, value in taints.items()]}})
        admin = node_object.admin(site)
        admin.kubectl("patch", "node", node["metadata"]["name"], "--type=merge", "-p", patch)
        site.host.forget()  # what this machine answered about its node is out of date


def by_key(taints: Sequence[dict[str, str]]) -> dict[str, str]:
    """Kubernetes' list of taints as {"key:Effect": "value"}."""
    return {f"{one['key']}:{one['effect']}": one.get("value", "") for one in taints}


def taint(key: str, value: str) -> dict[str, str]:
    """One taint in Kubernetes' form."""
    name, _, effect = key.rpartition(":")
    return {"key": name, "effect": effect, **({"value": value} if value else {})}
