"""The shape of a managed thing: a state, and how to observe, compare, change and give it back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, TypeVar

from providers.core.host import Argv, Host
from providers.core.journal import Journal
from providers.core.systemd import Systemd

S = TypeVar("S")
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
ABSENT = "(absent)"
"""What a property shows where the machine has nothing: Pulumi's SDK drops None, so absence is said."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference: the path below the property, what is, and what shall be (None: absent)."""

    field: str
    was: object
    now: object


class Rack(Protocol):
    """The other machines of the stack, for things that need a peer."""

    def control_planes(self) -> Sequence[str]:
        """Names of the control planes that the current configuration lists."""
        ...

    def etcd_members(self) -> Sequence[str]:
        """Names of the machines of an external etcd that the current configuration lists."""
        ...

    def configured(self, machine: str) -> bool:
        """Whether the current configuration still lists the machine."""
        ...

    def host(self, machine: str) -> Host:
        """The connection to a machine of the rack (not yet opened)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a thing works: its machine, that machine's journal, its rack, and a line for progress."""

    host: Host
    journal: Journal
    rack: Rack
    say: Callable[[str], None] = field(default=lambda line: None)
    leaving: bool = False
    """The whole machine leaves: what lives in the cluster goes with its membership."""
    resource: str = ""
    """The kind of the resource that is at work."""
    systemd: Systemd = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "systemd", Systemd(self.host))


class Thing(ABC, Generic[S]):
    """One managed thing, a property of a resource; S is its frozen state.

    `observe` and `remove` speak only of the keys that the given state manages, so that what
    nobody manages is neither reported nor touched.
    """

    name: ClassVar[str]
    """The property that holds the state."""
    secret: ClassVar[bool] = False
    """Whether the property is a secret."""

    @abstractmethod
    def parse(self, value: Json) -> S:
        """The state that a property value stands for (also a value that `render` made of what was observed)."""

    @abstractmethod
    def render(self, state: S) -> Json:
        """The property value of a state; every managed key stays, with ABSENT where there is nothing."""

    @abstractmethod
    def questions(self, managed: S) -> Sequence[Argv]:
        """The commands that `observe` will ask, so that a machine can answer all things at once."""

    @abstractmethod
    def observe(self, site: Site, managed: S) -> S:
        """What the machine has for the keys of `managed`; asks (Host.ask) and changes nothing."""

    @abstractmethod
    def plan(self, current: S, desired: S) -> list[Change]:
        """The differences; pure. An empty list means that nothing is written and nothing restarted."""

    @abstractmethod
    def apply(self, site: Site, changes: Sequence[Change], desired: S) -> None:
        """Make exactly these changes, each previous value in the journal first."""

    @abstractmethod
    def remove(self, site: Site, managed: S) -> None:
        """Put back what the journal holds for the keys of `managed`; doing it twice is fine."""

    @abstractmethod
    def minus(self, old: S, new: S) -> S | None:
        """The part of `old` that `new` no longer manages, to be removed; None when there is none."""


def differences(current: Mapping[str, object], desired: Mapping[str, object]) -> list[Change]:
    """Changes that turn `current` into `desired`, for the keys of `desired`, sorted by key."""
    return [
        Change(field=key, was=current.get(key), now=desired[key])
        for key in sorted(desired)
        if current.get(key) != desired[key]
    ]
