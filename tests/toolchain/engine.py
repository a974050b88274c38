"""A gRPC server that stands where the engine stands for a plugin: it takes log messages and keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc


class Messages(engine_pb2_grpc.EngineServicer):
    """The messages that came in: severity number, text, resource and whether it is only a status."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, str, str, bool]] = []

    def Log(self, request: Any, context: Any) -> Any:
        """Keep one message."""
        self.taken.append((request.severity, request.message, request.urn, request.ephemeral))
        return empty_pb2.Empty()

    def texts(self) -> list[str]:
        """Return the messages' texts."""
        return [text for _, text, _, _ in self.taken]


@contextmanager
def listening() -> Iterator[tuple[str, Messages]]:
    """Start the server on loopback; yields its address and its messages."""
    messages = Messages()
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    engine_pb2_grpc.add_EngineServicer_to_server(messages, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", messages
    finally:
        server.stop(0).wait()
