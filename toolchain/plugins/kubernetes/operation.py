"""What Create, Update and Delete share: the object asked for, and the state that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.kubernetes import checks, naming, readiness, state
from toolchain.plugins.kubernetes.apply import Write
from toolchain.plugins.kubernetes.cluster import Cluster
from toolchain.plugins.kubernetes.objects import Object, name_of, namespace_of
from toolchain.plugins.kubernetes.readiness import NotReady
from toolchain.plugins.kubernetes.resource import Resource
from toolchain.plugins.protocol import Failure, encode, partial_failure


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One write of one resource.

    `inputs` is what Kubernetes sees, `news` the same with its secrets marked, `old` the state before.
    """

    resource: Resource
    cluster: Cluster
    inputs: Object
    news: Mapping[str, Any]
    old: Mapping[str, Any]
    manager: str

    def write(self, *, dry_run: bool, manager: str = "") -> Write:
        """Return how the object is written."""
        return Write(
            cluster=self.cluster,
            manager=manager or self.manager,
            patch=self.resource.patches(self.inputs),
            force=self.resource.session.options.patch_force,
            dry_run=dry_run,
        )

    def outputs(self, live: Object) -> Any:
        """Return the resource's new state."""
        return encode(self._checkpoint(live))

    def _checkpoint(self, live: Object) -> dict[str, Any]:
        version = state.initial_api_version(self.old, self.inputs)
        return state.checkpoint(self.inputs, live, self.news, api_version=version, manager=self.manager)

    def partial(self, text: str, reasons: list[str], live: Object) -> Failure:
        """Return the failure of an object that exists but is not what was asked for."""
        return partial_failure(text, identity(live), self._checkpoint(live), {}, [text, *reasons])

    def awaited(self, timeout: float, live: Object, before: Object | None) -> Object:
        """Return the object once it is ready; raises NotReady."""
        try:
            check = checks.check_for(self.inputs)
        except checks.BadWaitFor as error:
            raise NotReady(str(error), live, []) from error
        if readiness.skips(self.inputs):
            self.resource.status("Skipping await logic")
        elif check is not None:
            wait = self.resource.wait(self.cluster, timeout, self.inputs)
            live = readiness.until_ready(wait, live, before, check)
        self.resource.status("")
        return live


def identity(live: Object) -> str:
    """Return the identifier of a live object."""
    return naming.identifier(namespace_of(live), name_of(live))
