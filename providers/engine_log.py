"""The engine that started this process: progress lines through its own gRPC, and an end with it."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

_LOOK_SECONDS = 2.0


def engine_address() -> str:
    """The engine's address, which it gives every provider as the only argument; "" where there is none (tests)."""
    return sys.argv[1] if len(sys.argv) > 1 and ":" in sys.argv[1] else ""


def end_with_engine(address: str) -> None:
    """End this process once nobody listens at the engine's address any more.

    An engine that was killed ends no provider. One that goes on would change machines for a run that
    is over, beside the run that the user starts next.
    """
    host, _, port = address.rpartition(":")
    if port.isdecimal():
        threading.Thread(target=_outlive_nobody, args=(host.strip("[]"), int(port)), daemon=True).start()


def _outlive_nobody(host: str, port: int) -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        try:
            socket.create_connection((host, port), timeout=_LOOK_SECONDS).close()
        except ConnectionRefusedError:
            os._exit(1)
        except OSError:
            continue  # a machine out of sockets says nothing about its engine


class EngineLog:
    """Lines for the engine; silent where there is none (tests)."""

    def __init__(self, address: str = "") -> None:
        address = address or engine_address()
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
