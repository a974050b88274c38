"""A dynamic resource that does nothing, with as many properties as one of a machine."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import (
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from providers import call_stack, ending, pickler
from providers.threads import widen_thread_pool

Properties = dict[str, Any]


class Nothing(ResourceProvider):
    """Answers at once."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        """As this program's own provider: as many at once, and the same end."""
        widen_thread_pool()
        ending.without_search()

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare the texts."""
        return DiffResult(changes=None if _olds.get("text") != _news.get("text") else False)

    def create(self, props: Properties) -> CreateResult:
        """Made."""
        return CreateResult("nothing", props)

    def read(self, id_: str, props: Properties) -> ReadResult:
        """As it was."""
        return ReadResult(id_, props, {key: one for key, one in props.items() if key != "__provider"})

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Changed."""
        return UpdateResult(_news)

    def delete(self, _id: str, _props: Properties) -> None:
        """Gone."""
        return


class Idle(Resource, module="floor", name="Idle"):
    """A resource that does nothing; like this program's own it keeps no call stack in the state."""

    def __init__(self, name: str, text: str, opts: pulumi.ResourceOptions) -> None:
        with call_stack.not_kept(), pickler.restored():
            super().__init__(Nothing(), name, {"text": text}, opts)


class Machine(pulumi.ComponentResource):
    """What the resources of one machine stand below."""

    def __init__(self, name: str) -> None:
        with call_stack.not_kept():
            super().__init__("floor:index:Machine", name)
