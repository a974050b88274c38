"""A dynamic provider whose creates only end together: what the thread-pool test loads into the SDK's own process."""

from __future__ import annotations

import threading
from typing import Any

from pulumi.dynamic import ConfigureRequest, CreateResult, ResourceProvider

from providers.threads import widen_thread_pool

AT_ONCE = 12
"""Three times what the SDK allows."""
PATIENCE = 30.0
_barrier = threading.Barrier(AT_ONCE)


class Crowd(ResourceProvider):
    """Its creates wait for each other."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        """Lift the limit, as the adapter does."""
        assert widen_thread_pool()

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait for all the others; raises when they do not come."""
        _barrier.wait(PATIENCE)
        return CreateResult("crowd", props)
