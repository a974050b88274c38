"""The Read call: refresh, import and get."""

from __future__ import annotations

from typing import Any

from pulumi.runtime.proto import provider_pb2 as proto

from toolchain.plugins.kubernetes import checks, naming, read, state
from toolchain.plugins.kubernetes.cluster import Cluster, NoMatch, Refused
from toolchain.plugins.kubernetes.objects import Object
from toolchain.plugins.kubernetes.readiness import Progress, skips
from toolchain.plugins.kubernetes.resource import Resource
from toolchain.plugins.protocol import Failure, decode, encode, partial_failure


def read_object(cluster: Cluster, old: Object, name: str) -> Object | None:
    """Return the live object, None when it or its kind is gone; raises Unreachable and Failure."""
    try:
        return cluster.get(old, name)
    except NoMatch:
        return None
    except Refused as error:
        if error.not_found:
            return None
        raise Failure(error.message) from error


def read_resource(resource: Resource, request: Any) -> Any:
    """Return the response to a Read; raises Unreachable, and Failure for an object that is there but not
    ready."""
    cluster = resource.session.cluster()
    inputs, properties = decode(request.inputs), decode(request.properties)
    namespace, name = naming.split_identifier(request.id)
    old, imported = read.asked_for(inputs, properties, resource.token, namespace, name)
    live = read_object(cluster, old, name)
    if live is None:
        return proto.ReadResponse()
    found = read.live_inputs(live, old, everything=imported)
    outputs = state.checkpoint(
        found,
        live,
        inputs,
        api_version=state.initial_api_version(properties, old),
        manager=resource.manager(old, properties),
    )
    secret_inputs = state.with_secrets(found, inputs)
    progress = Progress(ready=True) if imported else _progress(resource, cluster, live, old)
    if not progress.ready and not progress.acceptable:
        reason = f"Resource '{name}' was created but failed to initialize"
        raise partial_failure(reason, request.id, outputs, secret_inputs, [reason, *progress.problems])
    return proto.ReadResponse(id=request.id, properties=encode(outputs), inputs=encode(secret_inputs))


def _progress(resource: Resource, cluster: Cluster, live: Object, old: Object) -> Progress:
    """Return how ready the object is, for the kinds whose readiness a refresh looks at."""
    check = checks.check_for({"apiVersion": live.get("apiVersion"), "kind": live.get("kind")})
    if check is None or live.get("kind") not in checks.READ_TOO or skips(old):
        return Progress(ready=True)
    return check(resource.wait(cluster, 0, old), live, live)
