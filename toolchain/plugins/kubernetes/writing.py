"""The Create and Update calls."""

from __future__ import annotations

from typing import Any

from pulumi.runtime.proto import provider_pb2 as proto

from toolchain.plugins.kubernetes import apply, state
from toolchain.plugins.kubernetes.apply import NamespaceMissing
from toolchain.plugins.kubernetes.cluster import NoMatch, Refused, Unreachable
from toolchain.plugins.kubernetes.normalize import normalized
from toolchain.plugins.kubernetes.objects import Object, is_crd, name_of, plain
from toolchain.plugins.kubernetes.operation import Operation, identity
from toolchain.plugins.kubernetes.readiness import NotReady
from toolchain.plugins.kubernetes.resource import Resource
from toolchain.plugins.protocol import Failure, decode, has_unknown

SERVER_ERRORS = (Refused, NoMatch, Unreachable)
"""What a request to the server can end in."""
_NOT_LIVE = "failed to fully initialize or become live"
_NO_KIND = (
    "because the Kubernetes API server reported that the apiVersion for this resource does not exist. "
    "Verify that any required CRDs have been created"
)


def create(resource: Resource, request: Any) -> Any:
    """Create an object and wait for it; raises Failure, with the object where it exists but is not ready."""
    news = decode(request.properties)
    inputs = plain(news)
    as_asked = proto.CreateResponse(id="", properties=request.properties)
    if request.preview and (
        has_unknown(news) or resource.patches(inputs) or not resource.session.exists(inputs)
    ):
        return as_asked
    cluster, manager = resource.session.cluster(), resource.manager(inputs, {})
    operation = Operation(
        resource=resource, cluster=cluster, inputs=inputs, news=news, old={}, manager=manager
    )
    try:
        live = _created(operation, dry_run=request.preview)
    except NamespaceMissing:
        return as_asked
    except SERVER_ERRORS as error:
        if request.preview and _cannot_preview(error):
            return as_asked
        raise _not_created(resource, error) from error
    if request.preview:
        # the server shows an empty status here, which programs would take for the real one
        live.pop("status", None)
        return proto.CreateResponse(id="", properties=operation.outputs(live))
    return _ready(operation, request.timeout, live)


def _created(operation: Operation, *, dry_run: bool) -> Object:
    resource = operation.resource
    upsert = resource.session.options.upsert
    write = operation.write(dry_run=dry_run)
    live = apply.create(
        write, operation.inputs, upsert=upsert, log=resource.status, pause=resource.cancelled.wait
    )
    if is_crd(operation.inputs):
        operation.cluster.forget_kinds()
    return live


def _ready(operation: Operation, timeout: float, created: Object) -> Any:
    try:
        live = operation.awaited(timeout, created, None)
    except NotReady as error:
        text = (
            f'resource "{operation.resource.urn}" was successfully created, but the Kubernetes API server '
            f"reported "
            f"that it {_NOT_LIVE}: {error}"
        )
        raise operation.partial(text, error.reasons, error.live) from error
    return proto.CreateResponse(id=identity(live), properties=operation.outputs(live))


def _cannot_preview(error: Exception) -> bool:
    """Whether the server's refusal of a dry run says nothing about the real run."""
    if not isinstance(error, Refused):
        return False
    return error.code == 403 or error.reason == "AlreadyExists" or "does not support dry run" in error.message


def _not_created(resource: Resource, error: Exception) -> Failure:
    if isinstance(error, NoMatch):
        kind = f"{resource.token.api_version}/{resource.token.kind}"
        return Failure(f'creation of resource "{resource.urn}" with kind {kind} failed {_NO_KIND}: {error}')
    return Failure(
        f'resource "{resource.urn}" was not successfully created by the Kubernetes API server: {error}'
    )


def update(resource: Resource, request: Any) -> Any:
    """Update an object and wait for it; raises Failure, with the object as it is where it exists."""
    news, old = decode(request.news), decode(request.olds)
    inputs = normalized(plain(news))
    if request.preview and (has_unknown(news) or not resource.session.exists(inputs)):
        return proto.UpdateResponse(properties=request.news)
    operation = Operation(
        resource=resource,
        cluster=resource.session.cluster(),
        inputs=inputs,
        news=news,
        old=old,
        manager=resource.manager(inputs, old),
    )
    try:
        live = _updated(operation, request)
    except SERVER_ERRORS as error:
        if request.preview and isinstance(error, Refused) and error.code == 403:
            return proto.UpdateResponse(properties=request.news)
        raise _not_updated(operation, error, []) from error
    except NotReady as error:
        raise _not_updated(operation, error, error.reasons) from error
    return proto.UpdateResponse(properties=operation.outputs(live))


def _updated(operation: Operation, request: Any) -> Object:
    write = operation.write(dry_run=request.preview)
    name = name_of(state.live_object(operation.old))
    before, live = apply.update(write, operation.inputs, name, list(request.ignoreChanges))
    if request.preview:
        return live
    live = operation.awaited(request.timeout, live, before)
    _drop_old_manager(operation, live)
    return live


def _not_updated(operation: Operation, error: Exception, reasons: list[str]) -> Failure:
    """Return the failure of an update, which carries the object as the server has it now."""
    resource, last = operation.resource, state.live_object(operation.old)
    if isinstance(error, NoMatch):
        return Failure(f'update of resource "{resource.urn}" failed {_NO_KIND}: {error}')
    try:
        now = operation.cluster.get(last, name_of(last))
    except SERVER_ERRORS as lost:
        text = f'update of resource "{resource.urn}" failed: {error}\nunable to get cluster state: {lost}'
        return Failure(text)
    text = f'the Kubernetes API server reported that "{identity(now)}" {_NOT_LIVE}: {error}'
    return operation.partial(text, reasons, now)


def _drop_old_manager(operation: Operation, live: Object) -> None:
    """Give up the fields of the field manager that the resource had before it was given another."""
    former = operation.resource.manager(state.parts(operation.old)[0], operation.old)
    if former != operation.manager:
        apply.relinquish(operation.write(dry_run=False, manager=former), live)
