"""This program: the preparation alone, by its own components, engine, state and refresh included."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean

from bench.contenders.contender import DRY, Command, Contender
from bench.engine import Engine
from bench.preparation import rack, stack
from bench.target import Fleet
from components import properties, system_properties
from providers.reaching import connection_of

RESOURCES = 4
"""Resources of one machine: Access, System, Kernel, Software."""


class Helicon(Contender):
    """`pulumi up` and `pulumi preview` as a user has them: each refreshes first, and preflight looks before."""

    name = "helicon"
    preflight = True

    def __init__(self, fleet: Fleet, place: Path) -> None:
        super().__init__(fleet, place)
        more = {} if self.preflight else {"HELICON_PREFLIGHT": "0"}
        self.engine = Engine("program", self.place, len(fleet.targets), more)

    def prepare(self) -> None:
        """An empty stack."""
        self.forget()

    def forget(self) -> None:
        """The machines were reset past it: their state goes as well."""
        self.engine.begin(stack(self.fleet))

    def command(self, scenario: str) -> Command:
        """One verb."""
        return self.engine.command("preview" if scenario == DRY else "up")


class WithoutPreflight(Helicon):
    """The same without the look at all machines beforehand, which no other contender has."""

    name = "helicon without preflight"
    preflight = False


class Floor(Contender):
    """The engine with as many resources that do nothing: no machine is asked."""

    name = "engine's floor"

    def __init__(self, fleet: Fleet, place: Path) -> None:
        super().__init__(fleet, place)
        machines = str(len(fleet.targets))
        given = {"BENCH_MACHINES": machines, "BENCH_BYTES": str(resource_bytes(fleet))}
        self.engine = Engine("floor", self.place, len(fleet.targets), given)

    def prepare(self) -> None:
        """An empty stack."""
        self.forget()

    def forget(self) -> None:
        """An empty stack."""
        self.engine.begin({"config": {}})

    def command(self, scenario: str) -> Command:
        """The same verbs."""
        return self.engine.command("preview" if scenario == DRY else "up")


def resource_bytes(fleet: Fleet) -> int:
    """The size of one resource's properties: the mean of those that bench/program gives a machine."""
    described = rack(fleet)
    machine = next(iter(described.nodes.values()))
    common = {"machine": machine.name, "connection": connection_of(machine).render()}
    each = (
        system_properties.access(machine),
        properties.system(described, machine),
        properties.kernel(machine, node=True),
        properties.extra_packages(machine),
    )
    return round(mean(len(json.dumps({**common, **one})) for one in each))
