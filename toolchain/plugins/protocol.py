"""The base of a provider plugin: the gRPC server that the engine starts, and its way back to the engine.

A plugin is a subclass of `Plugin` and a last line `if __name__ == "__main__": serve(MyPlugin)`. Its methods
take the requests of `pulumi.runtime.proto.provider_pb2` and return the responses; `Failure` is the error that
the engine shows. Handshake, Attach and Parameterize stay unimplemented, as the official plugins answer them.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, ClassVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from toolchain.plugins.values import UNKNOWN as UNKNOWN
from toolchain.plugins.values import Secret as Secret
from toolchain.plugins.values import Unknown as Unknown
from toolchain.plugins.values import decode as decode
from toolchain.plugins.values import encode as encode
from toolchain.plugins.values import has_unknown as has_unknown
from toolchain.plugins.values import is_unknown as is_unknown
from toolchain.plugins.values import revealed as revealed

LARGEST_MESSAGE = 400 * 1024 * 1024
"""Bytes; what the engine accepts (pulumi/sdk/go/common/util/rpcutil)."""
CALLS_AT_ONCE = 64
"""Threads; the engine asks for as many operations at once as its --parallel says."""
ORPHAN_CHECK_SECONDS = 2.0
"""How often the plugin looks whether the engine that started it still lives."""


class Failure(Exception):
    """A call that failed: the text that the engine shows, the gRPC code, and what exists all the same.

    `partial` says that the resource was made but is not what was asked for: the engine keeps it in the state
    and marks it, instead of forgetting it.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        partial: provider_pb2.ErrorResourceInitFailed | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.partial = partial


class Engine:
    """The engine's own gRPC server, to which a plugin logs."""

    def __init__(self, address: str) -> None:
        """Take the address `host:port`; an empty one means that messages go to stderr."""
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None

    def log(self, severity: str, message: str, urn: str = "", *, ephemeral: bool = False) -> None:
        """Show a message for a resource; severity is DEBUG, INFO, WARNING or ERROR."""
        if self._stub is None:
            print(f"{severity}: {message}", file=sys.stderr)
            return
        request = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.Value(severity), message=message, urn=urn, ephemeral=ephemeral
        )
        try:
            self._stub.Log(request, timeout=10)
        except grpc.RpcError:  # a lost log line must not fail an operation that works
            print(f"{severity}: {message}", file=sys.stderr)


class Plugin:
    """A provider plugin; subclasses set the names and override the calls that they cover."""

    name: ClassVar[str]
    """The provider's name, as in `pulumi-resource-NAME`."""
    package: ClassVar[str]
    """The Python package whose version the plugin claims."""
    tokens: ClassVar[frozenset[str] | None] = None
    """Types of resources that are covered; None where the plugin itself decides (`covers`)."""

    def __init__(self, engine: Engine, version: str = "") -> None:
        """Take the engine to log to, and a version to claim where it is not the installed package's."""
        self.engine = engine
        self.version = version or importlib.metadata.version(self.package)
        self.cancelled = Event()

    def covers(self, token: str) -> bool:
        """Whether resources of this type are covered."""
        return self.tokens is None or token in self.tokens

    def uncovered(self, what: str) -> Failure:
        """Return the error for what only the official plugin does."""
        install = f"pulumi plugin install resource {self.name} v{self.version}"
        return Failure(
            f"{what} is not covered by helicon's own `{self.name}` plugin, only by the official one. "
            f"Next: with ordinary internet access, run `{install}` and remove the plugin of that version "
            "from PULUMI_HOME first"
        )

    def get_plugin_info(self, request: Any) -> Any:
        """Answer with the version."""
        return plugin_pb2.PluginInfo(version=self.version)

    def check_config(self, request: Any) -> Any:
        """Accept the provider's configuration as it is."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def diff_config(self, request: Any) -> Any:
        """Say nothing about a changed configuration: the engine then decides."""
        return provider_pb2.DiffResponse()

    def configure(self, request: Any) -> Any:
        """Accept everything; subclasses keep what they need."""
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def check(self, request: Any) -> Any:
        """Validate inputs and fill in defaults."""
        raise self.uncovered("Check")

    def diff(self, request: Any) -> Any:
        """Compare the state with the checked inputs."""
        raise self.uncovered("Diff")

    def create(self, request: Any) -> Any:
        """Make the resource, or say in a preview what it will be."""
        raise self.uncovered("Create")

    def read(self, request: Any) -> Any:
        """Look what the resource is now."""
        raise self.uncovered("Read")

    def update(self, request: Any) -> Any:
        """Change the resource in place, or say in a preview what it will be."""
        raise self.uncovered("Update")

    def delete(self, request: Any) -> Any:
        """Remove the resource."""
        raise self.uncovered("Delete")

    def get_schema(self, request: Any) -> Any:
        """Fail: the schema is with the official plugin."""
        raise self.uncovered("GetSchema")

    def invoke(self, request: Any) -> Any:
        """Fail: functions are with the official plugin."""
        raise self.uncovered(f"the function {request.tok}")

    def call(self, request: Any) -> Any:
        """Fail: methods are with the official plugin."""
        raise self.uncovered(f"the method {request.tok}")

    def construct(self, request: Any) -> Any:
        """Fail: components are with the official plugin."""
        raise self.uncovered(f"the component {request.type}")

    def cancel(self, request: Any) -> Any:
        """Tell running operations to stop."""
        self.cancelled.set()
        return empty_pb2.Empty()

    def handle(self, method: str, request: Any) -> Any:
        """Answer one call by its gRPC name; raises Failure and nothing else."""
        if method in OF_RESOURCES and not self.covers(token := type_of(request.urn)):
            raise self.uncovered(f"the resource type {token}")
        try:
            return getattr(self, CALLS[method])(request)
        except Failure:
            raise
        except Exception as error:
            traceback.print_exc()
            raise Failure(f"{self.name} plugin: {method}: {type(error).__name__}: {error}") from error


OF_RESOURCES = frozenset({"Check", "Diff", "Create", "Read", "Update", "Delete"})
CALLS = {
    **{method: method.lower() for method in OF_RESOURCES},
    "CheckConfig": "check_config",
    "DiffConfig": "diff_config",
    "Configure": "configure",
    "GetPluginInfo": "get_plugin_info",
    "GetSchema": "get_schema",
    "Invoke": "invoke",
    "Call": "call",
    "Construct": "construct",
    "Cancel": "cancel",
}
"""gRPC calls that a plugin answers, and the methods that do so."""


def type_of(urn: str) -> str:
    """Return the resource's own type out of `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""
    parts = urn.split("::", 3)
    return parts[2].rsplit("$", 1)[-1] if len(parts) > 2 else ""


def partial_failure(
    message: str, identity: str, properties: dict[str, Any], inputs: dict[str, Any], reasons: list[str]
) -> Failure:
    """Return the error of a resource that exists but did not become what was asked for."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=identity, properties=encode(properties), inputs=encode(inputs), reasons=reasons
    )
    return Failure(message, partial=detail)


def servicer(plugin: Plugin) -> Any:
    """Return the plugin as a gRPC servicer."""
    methods = {method: _rpc(plugin, method) for method in CALLS}
    return type("Servicer", (provider_pb2_grpc.ResourceProviderServicer,), methods)()


def _rpc(plugin: Plugin, method: str) -> Callable[[Any, Any, Any], Any]:
    def call(_: Any, request: Any, context: Any) -> Any:
        try:
            return plugin.handle(method, request)
        except Failure as failure:
            if failure.partial is not None:
                trailer = _status(failure.code.value[0], failure.message, failure.partial)
                context.set_trailing_metadata([("grpc-status-details-bin", trailer)])
            return context.abort(failure.code, failure.message)

    return call


def _status(code: int, message: str, detail: Any) -> bytes:
    """Return the status with its detail, the way gRPC carries it in a trailer."""
    status = status_pb2.Status(code=code, message=message)
    status.details.add().Pack(detail)
    return bytes(status.SerializeToString())


def start(plugin: Plugin) -> tuple[Any, int]:
    """Start a server for the plugin on loopback; return it and its port."""
    limits = [(f"grpc.max_{way}_message_length", LARGEST_MESSAGE) for way in ("receive", "send")]
    server = grpc.server(ThreadPoolExecutor(max_workers=CALLS_AT_ONCE), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer(plugin), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve(plugin_class: type[Plugin]) -> None:
    """Run a plugin as the engine's child: print the port, answer until the engine ends."""
    address = sys.argv[-1] if len(sys.argv) > 1 else ""
    engine_process = os.getppid()
    server, port = start(plugin_class(Engine(address)))
    print(port, flush=True)
    try:
        # an engine that was killed cannot say goodbye: its child then belongs to another process
        while os.getppid() == engine_process:
            Event().wait(ORPHAN_CHECK_SECONDS)
    except KeyboardInterrupt:
        pass
    server.stop(0)
