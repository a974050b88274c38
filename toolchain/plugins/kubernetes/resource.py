"""One resource in one call: who it is, and what its operations share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any

from toolchain.plugins.kubernetes import naming, readiness
from toolchain.plugins.kubernetes.cluster import Cluster
from toolchain.plugins.kubernetes.objects import PATCH_FIELD_MANAGER, Object, annotation, plain, text_at
from toolchain.plugins.kubernetes.readiness import Wait
from toolchain.plugins.kubernetes.session import Session
from toolchain.plugins.kubernetes.state import FIELD_MANAGER
from toolchain.plugins.kubernetes.tokens import Token
from toolchain.plugins.protocol import Engine


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource's address and kind, the session that it lives in, and the engine to tell about it."""

    urn: str
    token: Token
    session: Session
    engine: Engine
    cancelled: Event

    def patches(self, inputs: Object) -> bool:
        """Whether the resource patches an object instead of owning it."""
        return self.token.patches(str(inputs.get("kind")))

    def status(self, message: str) -> None:
        """Show a line beside the resource while it is worked on; empty text clears it."""
        self.engine.log("INFO", message, self.urn, ephemeral=True)

    def manager(self, inputs: Object, state: Mapping[str, Any]) -> str:
        """Return the field manager: as annotated, as in the state, or a new one."""
        known = annotation(inputs, PATCH_FIELD_MANAGER) or text_at(plain(dict(state)), FIELD_MANAGER)
        return known or naming.unique(b"", "pulumi-kubernetes-")

    def wait(self, cluster: Cluster, timeout: float, inputs: Object) -> Wait:
        """Return a wait of this resource; `timeout` in seconds is the resource's option, 0 for none."""
        seconds = readiness.seconds_for(timeout, inputs)
        return Wait(cluster=cluster, seconds=seconds, log=self.status, cancelled=self.cancelled)
