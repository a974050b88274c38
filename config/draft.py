"""What of a configuration is sound, so that one mistake does not hide the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from config.balancing import Zone
from config.cluster import Cluster
from config.external_etcd import EtcdMemberSettings
from config.machines import FurtherSettings, LoadBalancerSettings, MachineSettings, NodeSettings
from config.merge import Plain, has, pruned
from config.problems import Path, Problem
from config.translate import innermost, location, problem

M = TypeVar("M", bound=BaseModel)
ROUNDS = 4
"""Errors inside errors: what is left after a part was cut out is checked again, at most so often."""
STAND_INS: Plain = {
    "kubernetes": "1.36.3",
    "endpoint": "endpoint.invalid",
    "address": "0.0.0.0",
    "source": ".",
}
"""What takes the place of a required value that is missing or wrong, so that the rest can be checked."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The sound parts of a stack, and where each machine's settings came from."""

    raw: Plain
    problems: list[Problem] = field(default_factory=list)
    parts: dict[str, BaseModel] = field(default_factory=dict)
    zones: dict[str, Zone] = field(default_factory=dict)
    nodes: dict[str, NodeSettings] = field(default_factory=dict)
    load_balancers: dict[str, LoadBalancerSettings] = field(default_factory=dict)
    etcd_members: dict[str, EtcdMemberSettings] = field(default_factory=dict)
    further: dict[str, FurtherSettings] = field(default_factory=dict)

    @property
    def cluster(self) -> Cluster | None:
        """The cluster, unless it is too broken to speak of."""
        found = self.parts.get("cluster")
        return found if isinstance(found, Cluster) else None

    def machines(self) -> list[tuple[Path, MachineSettings]]:
        """All sound machines with their paths: load balancers, nodes, etcd's own, then the further ones."""
        below: list[tuple[Path, MachineSettings]] = []
        below += [(("load_balancers", name), one) for name, one in self.load_balancers.items()]
        below += [(("nodes", name), one) for name, one in self.nodes.items()]
        below += [(("etcd_members", name), one) for name, one in self.etcd_members.items()]
        below += [(("machines", name), one) for name, one in self.further.items()]
        return below

    def place(self, name: str, machine: MachineSettings) -> None:
        """Add a sound machine."""
        if isinstance(machine, NodeSettings):
            self.nodes[name] = machine
        elif isinstance(machine, LoadBalancerSettings):
            self.load_balancers[name] = machine
        elif isinstance(machine, EtcdMemberSettings):
            self.etcd_members[name] = machine
        elif isinstance(machine, FurtherSettings):
            self.further[name] = machine

    def origin(self, machine: Path, *rest: str | int) -> Path:
        """Where a machine's setting was written: at the machine, or in the defaults."""
        return self.written(machine, *rest) or self._parent(machine, rest)

    def written(self, machine: Path, *rest: str | int) -> Path | None:
        """The same, but None where nobody wrote it."""
        paths = ((*top, *rest) for top in (machine, ("defaults",)))
        return next((path for path in paths if has(self.raw, path)), None)

    def _parent(self, machine: Path, rest: Path) -> Path:
        above = rest[:-1]
        inherited = not has(self.raw, (*machine, *above)) and has(self.raw, ("defaults", *above))
        return ("defaults", *rest) if above and inherited else (*machine, *rest)

    def amiss(self, *path: str | int) -> bool:
        """Whether a problem was reported at this path, above it or below it."""
        return any(one.path and _related(one.path, path) for one in self.problems)

    def report(self, path: Path, *, expected: str, found: str, suggestion: str) -> None:
        """Note a problem, unless the same was noted there already."""
        self.note(Problem(path=path, expected=expected, found=found, suggestion=suggestion))

    def note(self, one: Problem) -> None:
        """Note a problem, unless the same was noted there already."""
        if not any(known.path == one.path and known.expected == one.expected for known in self.problems):
            self.problems.append(one)

    def check(
        self, model: type[M], data: JsonValue, place: Callable[[Path], Path], *, partial: bool = False
    ) -> M | None:
        """The data as `model`, without what is wrong in it; None where too little is left.

        `place` says where a part of the data was written. With `partial`, nothing is missing.
        """
        for again in range(ROUNDS):
            try:
                return model.model_validate_json(json.dumps(data))
            except ValidationError as error:
                errors = error.errors(include_url=False)
            for one in innermost(errors):
                path = place(location(one))
                known = self.amiss(*path) if again else any(path == two.path for two in self.problems)
                if not known and not (partial and one["type"] == "missing"):
                    self.note(problem(one, model, path))
            if not isinstance(data, dict):
                return None
            data = {**_stand_ins(model, partial=partial), **_without(data, errors)}
        return None


def _related(one: Path, other: Sequence[str | int]) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] == tuple(other[:shared])


def _stand_ins(model: type[BaseModel], *, partial: bool) -> Plain:
    needed = {name for name, one in model.model_fields.items() if one.is_required()}
    return {} if partial else {name: value for name, value in STAND_INS.items() if name in needed}


def _without(data: Plain, errors: Sequence[ErrorDetails]) -> Plain:
    """The data without what the errors speak of; of a list the last go first, so that places stay true."""
    paths = [location(one)[: -1 if one["type"] == "missing" else None] for one in errors]
    for path in sorted(set(paths), key=_order, reverse=True):
        data = cast(Plain, pruned(data, path))
    return data


def _order(path: Path) -> list[tuple[int, int, str]]:
    return [(0, step, "") if isinstance(step, int) else (1, 0, step) for step in path]
