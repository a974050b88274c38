"""What the SDK asks the engine to register, as it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
from pulumi.runtime import mocks

from tests.components.test_program import Recorder


class Monitor(mocks.MockMonitor):
    """Keeps each request, by the name of the resource."""

    def __init__(self) -> None:
        super().__init__(Recorder())
        self.requests: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        """Keep, then as ever."""
        self.requests[request.name] = request
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def requests(program: Callable[[], None]) -> dict[str, Any]:
    """What a program asks for, by the names of resources."""
    monitor = Monitor()
    mocks.set_mocks(Recorder(), monitor=monitor)
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return monitor.requests
