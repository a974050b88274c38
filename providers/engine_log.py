"""Progress lines on a resource, through the engine's own gRPC."""

from __future__ import annotations

import sys
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineLog:
    """The engine that started this process; silent where there is none (tests)."""

    def __init__(self, address: str = "") -> None:
        # the engine starts every provider with its own address as the only argument
        address = address or (sys.argv[1] if len(sys.argv) > 1 and ":" in sys.argv[1] else "")
        self._stub: Any = None
        if address:
            channel = grpc.insecure_channel(address)
            self._stub = engine_pb2_grpc.EngineStub(channel)

    def progress(self, urn: str, line: str) -> None:
        """Show a line that the next one replaces."""
        self._send(engine_pb2.INFO, urn, line, ephemeral=True)

    def warning(self, urn: str, line: str) -> None:
        """Show a line that stays."""
        self._send(engine_pb2.WARNING, urn, line, ephemeral=False)

    def _send(self, severity: int, urn: str, line: str, *, ephemeral: bool) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=line, urn=urn, ephemeral=ephemeral)  # type: ignore[arg-type]
        try:
            self._stub.Log(request, timeout=5)
        except grpc.RpcError:
            self._stub = None  # an engine that no longer listens needs no progress
