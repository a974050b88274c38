"""Labels of the machine's Node object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.core.errors import HostError
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing, differences
from providers.membership import node_object


@dataclass(frozen=True, kw_only=True)
class LabelsState:
    """Label values by key; None where the node has no such label."""

    values: dict[str, str | None] = field(default_factory=dict)


class Labels(Thing[LabelsState]):
    """Labels, set as administrator since a kubelet may not set all of its own."""

    name = "labels"

    def parse(self, value: Json) -> LabelsState:
        """From {"key": "value"}."""
        pairs = cast(dict[str, str], value)
        return LabelsState(values={key: None if one == ABSENT else str(one) for key, one in pairs.items()})

    def render(self, state: LabelsState) -> Json:
        """To {"key": "value"}."""
        return {key: ABSENT if one is None else one for key, one in state.values.items()}

    def questions(self, managed: LabelsState) -> Sequence[Argv]:
        """The Node object."""
        return [node_object.NODE]

    def observe(self, site: Site, managed: LabelsState) -> LabelsState:
        """The labels that the node carries, of those managed."""
        node = node_object.read(site)
        found = {} if node is None else node["metadata"].get("labels", {})
        return LabelsState(values={key: found.get(key) for key in managed.values})

    def plan(self, current: LabelsState, desired: LabelsState) -> list[Change]:
        """One change for each label that differs."""
        return differences(current.values, desired.values)

    def apply(self, site: Site, changes: Sequence[Change], desired: LabelsState) -> None:
        """Set the labels in one call."""
        site.journal.remember(self.name, {change.field: str(change.was or "") for change in changes})
        self._label(site, {change.field: cast(str | None, change.now) for change in changes})

    def remove(self, site: Site, managed: LabelsState) -> None:
        """Give the former labels back, unless the node leaves and takes its labels along."""
        before = site.journal.recall(self.name, managed.values)
        if before and not site.leaving:
            try:
                self._label(site, {key: value or None for key, value in before.items()})
            except HostError:
                if node_object.read(site) is not None:
                    raise
        site.journal.forget(self.name, before)

    def minus(self, old: LabelsState, new: LabelsState) -> LabelsState | None:
        """The labels that are no longer listed."""
        gone = {key: value for key, value in old.values.items() if key not in new.values}
        return LabelsState(values=gone) if gone else None

    def _label(self, site: Site, values: dict[str, str | None]) -> None:
        words = [f"{key}-" if value is None else f"{key}={value}" for key, value in sorted(values.items())]
        admin = node_object.admin(site)
        admin.kubectl("label", "node", node_object.name(site), "--overwrite", *words)
        site.host.forget()  # what this machine answered about its node is out of date
