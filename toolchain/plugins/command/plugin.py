"""The provider: runs a command over SSH when a resource is created, changed or deleted, and nothing else."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Any, ClassVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from toolchain.plugins.command import differences, inputs
from toolchain.plugins.command.connection import dialled
from toolchain.plugins.command.session import Order, Output, run
from toolchain.plugins.protocol import UNKNOWN, Failure, Plugin, decode, encode, revealed

VERSION_KEY, VERSION = "__pulumi-go-provider-version", "1.2.0"
"""What the official plugin's framework keeps of itself in the provider's inputs."""
CANCEL_CHECK_SECONDS = 0.2
ID_DIGITS = 4
"""Random bytes in an id."""
STREAMS = {
    None: frozenset({"stdout", "stderr"}),
    "stdoutAndStderr": frozenset({"stdout", "stderr"}),
    "stdout": frozenset({"stdout"}),
    "stderr": frozenset({"stderr"}),
    "none": frozenset[str](),
}


class CommandPlugin(Plugin):
    """Stands in for the official `command` plugin for `command:remote:Command`."""

    name: ClassVar[str] = "command"
    package: ClassVar[str] = "pulumi-command"
    tokens: ClassVar[frozenset[str] | None] = frozenset({"command:remote:Command"})

    def check_config(self, request: Any) -> Any:
        """Note the framework's version, as the official plugin does."""
        return provider_pb2.CheckResponse(inputs=encode({**decode(request.news), VERSION_KEY: VERSION}))

    def diff_config(self, request: Any) -> Any:
        """Leave it to the engine, as the official plugin does."""
        raise Failure("DiffConfig is not implemented", code=grpc.StatusCode.UNIMPLEMENTED)

    def configure(self, request: Any) -> Any:
        """Say what is supported."""
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, acceptResources=True, acceptOutputs=True, supportsPreview=True
        )

    def check(self, request: Any) -> Any:
        """Validate the inputs, fill in the connection's defaults and mark its secrets."""
        news = decode(request.news)
        failures = [
            provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in inputs.problems(news)
        ]
        return provider_pb2.CheckResponse(inputs=encode(inputs.checked(news)), failures=failures)

    def diff(self, request: Any) -> Any:
        """Compare inputs; what replaces the resource is said by the SDK, not here."""
        olds = {key: value for key, value in decode(request.olds).items() if key not in inputs.OUTPUTS}
        found = differences.compare(olds, decode(request.news))
        kinds = provider_pb2.PropertyDiff.Kind
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted({_top(path) for path in found}),
            detailedDiff={
                path: provider_pb2.PropertyDiff(kind=kinds.Value(kind)) for path, kind in found.items()
            },
            hasDetailedDiff=True,
        )

    def create(self, request: Any) -> Any:
        """Run `create`, if there is one."""
        news = decode(request.properties)
        name = request.name or request.urn.rsplit("::", 1)[-1]
        identity = f"{name}{secrets.token_hex(ID_DIGITS)}"
        if request.preview:
            return provider_pb2.CreateResponse(id=identity, properties=encode(_unsettled(news)))
        output = self._run(request, "create", news, Output("", ""))
        return provider_pb2.CreateResponse(id=identity, properties=encode(_settled(news, output)))

    def update(self, request: Any) -> Any:
        """Run `update`, or `create` where there is none."""
        news = decode(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode(_unsettled(news)))
        command = "update" if news.get("update") is not None else "create"
        output = self._run(request, command, news, _output(decode(request.olds)))
        return provider_pb2.UpdateResponse(properties=encode(_settled(news, output)))

    def read(self, request: Any) -> Any:
        """Return the state as it is: a command that ran leaves nothing to look at."""
        return provider_pb2.ReadResponse(id=request.id, inputs=request.inputs, properties=request.properties)

    def delete(self, request: Any) -> Any:
        """Run `delete`, if there is one."""
        state = decode(request.properties)
        self._run(request, "delete", state, _output(state))
        return empty_pb2.Empty()

    def _run(self, request: Any, which: str, values: dict[str, Any], before: Output) -> Output:
        """Run one of a resource's commands; without one the earlier output stays."""
        plain = revealed(values)
        if plain.get(which) is None:
            return before
        order = _order(plain, plain[which], before)
        running = self._over_ssh(plain["connection"], order, request.urn)
        return asyncio.run(self._until_cancelled(running, request.timeout))

    async def _over_ssh(self, connection: dict[str, Any], order: Order, urn: str) -> Output:
        def say(severity: str, message: str) -> None:
            status = severity == "STATUS"
            self.engine.log("INFO" if status else severity, message, urn, ephemeral=status)

        filled = {**inputs.DEFAULTS, **connection}
        if filled.get("proxy") is not None:
            filled["proxy"] = {**inputs.DEFAULTS, **filled["proxy"]}
        async with dialled(filled, lambda message: say("STATUS", message)) as opened:
            return await run(opened, order, say)

    async def _until_cancelled(self, work: Coroutine[Any, Any, Output], seconds: float) -> Output:
        """Do the work unless the engine cancels it or the resource's own timeout (0: none) passes."""
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds if seconds else float("inf")
        while not task.done():
            await asyncio.wait([task], timeout=CANCEL_CHECK_SECONDS)
            overdue = loop.time() >= deadline
            if (self.cancelled.is_set() or overdue) and not task.done():
                task.cancel()
                await asyncio.wait([task])
                raise Failure("context deadline exceeded" if overdue else "context canceled")
        return task.result()


def _order(values: dict[str, Any], command: str, before: Output) -> Order:
    optional: dict[str, str] = {}
    if values.get("addPreviousOutputInEnv") is not False:
        given = {"PULUMI_COMMAND_STDOUT": before.stdout, "PULUMI_COMMAND_STDERR": before.stderr}
        optional = {name: value for name, value in given.items() if value}
    return Order(
        command=command,
        stdin=values.get("stdin") or "",
        environment=values.get("environment") or {},
        optional=optional,
        streams=STREAMS[values.get("logging")],
    )


def _output(state: dict[str, Any]) -> Output:
    plain = revealed(state)
    return Output(plain.get("stdout") or "", plain.get("stderr") or "")


def _settled(news: dict[str, Any], output: Output) -> dict[str, Any]:
    return {**news, "stdout": output.stdout, "stderr": output.stderr}


def _unsettled(news: dict[str, Any]) -> dict[str, Any]:
    return {**news, "stdout": UNKNOWN, "stderr": UNKNOWN}


def _top(path: str) -> str:
    """Return the property that a path begins with."""
    return path.split(".", 1)[0].split("[", 1)[0]
