"""The Delete call."""

from __future__ import annotations

from typing import Any

from google.protobuf import empty_pb2

from toolchain.plugins.kubernetes import apply, naming, readiness, state
from toolchain.plugins.kubernetes.cluster import NoMatch, Refused
from toolchain.plugins.kubernetes.objects import Object, name_of
from toolchain.plugins.kubernetes.operation import Operation
from toolchain.plugins.kubernetes.readiness import NotReady
from toolchain.plugins.kubernetes.resource import Resource
from toolchain.plugins.kubernetes.writing import SERVER_ERRORS
from toolchain.plugins.protocol import Failure, decode

_REQUIRED = (
    "this Patch resource is currently managing a required field, so it can't be deleted directly. Either "
    "set the `retainOnDelete` resource option, or transfer ownership of the field before deleting"
)


def nothing() -> Any:
    """Return the empty response."""
    return empty_pb2.Empty()


def delete(resource: Resource, request: Any) -> Any:
    """Delete an object and wait until it is gone, or give up the fields of a patch; raises Failure."""
    old = decode(request.properties)
    inputs, live = state.parts(old)[0], state.live_object(old)
    operation = Operation(
        resource=resource,
        cluster=resource.session.cluster(),
        inputs=inputs,
        news=old,
        old=old,
        manager=resource.manager(inputs, old),
    )
    try:
        if resource.patches(live):
            _give_up(operation, live)
        else:
            _remove(operation, live, naming.split_identifier(request.id)[1], request.timeout)
    except NotReady as error:
        raise operation.partial(str(error), error.reasons, error.live) from error
    except SERVER_ERRORS as error:
        raise Failure(str(error)) from error
    return nothing()


def _remove(operation: Operation, live: Object, name: str, timeout: float) -> None:
    if apply.delete(operation.cluster, live, name, operation.inputs):
        wait = operation.resource.wait(operation.cluster, timeout, operation.inputs)
        readiness.until_gone(wait, live, operation.inputs)
        operation.resource.status("")


def _give_up(operation: Operation, live: Object) -> None:
    """Give up a patch's fields; an object that is gone must not be made anew by that."""
    try:
        operation.cluster.get(live, name_of(live))
        apply.relinquish(operation.write(dry_run=False), live)
    except NoMatch:
        return
    except Refused as error:
        if error.not_found:
            return
        if error.code == 422 and "Required value" in error.message:
            raise Failure(f"{_REQUIRED}: {error}") from error
        raise
