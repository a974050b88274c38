"""Creating, updating, patching and deleting one object on a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.kubernetes import ownership
from toolchain.plugins.kubernetes.cluster import APPLY, JSON_PATCH, Cluster, NoMatch, Refused
from toolchain.plugins.kubernetes.objects import (
    DELETION_PROPAGATION,
    PATCH_FORCE,
    Object,
    annotation,
    is_crd,
    name_of,
    namespace_of,
    pluck,
)  # fmt: skip

_RETRIES, _FIRST_WAIT = 8, 0.25
_CONFLICT_HELP = (
    ""
    ""
    ""
    ""
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources"
)
_EXISTS_HELP = """

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use `pulumi import`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create."""


class NamespaceMissing(Exception):
    """A preview of an object whose namespace does not exist yet."""


@dataclass(frozen=True, kw_only=True)
class Write:
    """How one object is written: under which field manager, patching or owning it, for real or as a dry
    run."""

    cluster: Cluster
    manager: str
    patch: bool
    force: bool
    dry_run: bool

    @property
    def query(self) -> dict[str, str]:
        """Query parameters that every write carries."""
        return {"dryRun": "All"} if self.dry_run else {}


def create(
    write: Write,
    inputs: Object,
    *,
    upsert: bool,
    log: Callable[[str], None],
    pause: Callable[[float], bool],
) -> Object:
    """Create the object, or apply it where it patches or may upsert, and return it as the server has it.

    What is not there yet (a namespace, the kind of a custom resource) is waited for, and so is the end of a
    former object of that name: 9 tries over 64 seconds.
    `pause` waits that many seconds and says whether to give up.
    """
    wait = _FIRST_WAIT
    for attempt in range(_RETRIES + 1):
        try:
            return _create_once(write, inputs, upsert)
        except (Refused, NoMatch) as error:
            namespace_missing = isinstance(error, Refused) and error.not_found and error.about == "namespaces"
            if write.dry_run and namespace_missing:
                raise NamespaceMissing(str(error)) from error
            log(f"Retry #{attempt}; creation failed: {error}")
            if attempt == _RETRIES or not _passes(write, inputs, error):
                raise _explained(error) from error
            write.cluster.forget_kinds()
            if pause(wait):
                raise _explained(error) from error
        wait *= 2
    raise AssertionError("the loop returns or raises")


def _is_missing(error: Refused | NoMatch) -> bool:
    return isinstance(error, NoMatch) or error.not_found


def _passes(write: Write, inputs: Object, error: Refused | NoMatch) -> bool:
    """Whether the refusal is one of those that time mends; a dry run waits for no former object's end."""
    if _is_missing(error):
        return True
    if write.dry_run or not _exists(error):
        return False
    return "object is being deleted" in str(error) or not _is_there(write.cluster, inputs)


def _exists(error: Refused | NoMatch) -> bool:
    return isinstance(error, Refused) and error.reason == "AlreadyExists"


def _is_there(cluster: Cluster, inputs: Object) -> bool:
    """Whether there is an object of that name; one that went while the server refused was not called ending."""
    try:
        cluster.get(inputs, name_of(inputs))
    except Refused as error:
        return not error.not_found
    return True


def _create_once(write: Write, inputs: Object, upsert: bool) -> Object:
    path = write.cluster.kind_of(inputs).path(namespace_of(inputs))
    if upsert or write.patch:
        return _apply(write, inputs, force=_forces(write, inputs, None))
    query = {**write.query, "fieldManager": ownership.CLIENT_SIDE}
    return write.cluster.request("POST", path, query=query, body=inputs)


def _explained(error: Refused | NoMatch) -> Exception:
    if isinstance(error, Refused) and _exists(error):
        return Refused(error.code, error.reason, error.message + _EXISTS_HELP, error.about)
    return error


def update(write: Write, inputs: Object, name: str, ignored: list[str]) -> tuple[Object, Object]:
    """Bring the object to its inputs; return it as it was before and as it is now."""
    live = write.cluster.get(inputs, name)
    if is_crd(inputs):
        return live, _put(write, inputs, live)
    if not write.patch and not write.dry_run and (patch := ownership.takeover(live, write.manager)):
        path = write.cluster.kind_of(live).path(namespace_of(live), name)
        live = write.cluster.request("PATCH", path, body=patch, content=JSON_PATCH)
    wanted = ownership.without_ignored(inputs, live, ignored, write.manager)
    return live, _apply(write, wanted, force=_forces(write, inputs, live))


def _put(write: Write, inputs: Object, live: Object) -> Object:
    """Replace a custom resource definition as a whole: its schemas do not merge."""
    body = {
        **inputs,
        "metadata": {**inputs["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]},
    }
    path = write.cluster.kind_of(inputs).path("", name_of(inputs))
    return write.cluster.request("PUT", path, query={**write.query, "fieldManager": write.manager}, body=body)


def _apply(write: Write, obj: Object, *, force: bool) -> Object:
    path = write.cluster.kind_of(obj).path(namespace_of(obj), name_of(obj))
    query = {**write.query, "fieldManager": write.manager, "force": str(force).lower()}
    try:
        return write.cluster.request("PATCH", path, query=query, body=obj, content=APPLY)
    except Refused as error:
        if error.code != 409:
            raise
        text = (
            f"server-side apply field conflict detected, see {_CONFLICT_HELP} for troubleshooting help\n"
            f'The resource managed by field manager "{write.manager}" had an apply conflict: {error.message}'
        )
        raise Refused(error.code, error.reason, text, error.about) from error


def _forces(write: Write, inputs: Object, live: Object | None) -> bool:
    """Whether fields are taken from other managers.

    In a preview also from the create that came before, as the real update takes those over first; an object
    that records no managers at all belongs to nobody.
    """
    if write.force or annotation(inputs, PATCH_FORCE) == "true":
        return True
    if write.dry_run and (live is None or ownership.made_client_side(live)):
        return True
    return live is not None and not ownership.entries(live)


def relinquish(write: Write, obj: Object) -> None:
    """Give up every field that the manager owns, by applying an object that holds nothing but its name."""
    kind = write.cluster.kind_of(obj)
    metadata = {"name": name_of(obj), **({"namespace": namespace_of(obj)} if kind.namespaced else {})}
    bare = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}
    query = {"fieldManager": write.manager}
    path = kind.path(namespace_of(obj), name_of(obj))
    write.cluster.request("PATCH", path, query=query, body=bare, content=APPLY)


def delete(cluster: Cluster, obj: Object, name: str, inputs: Object) -> bool:
    """Ask the server to delete the object; False when it does not exist (any more)."""
    wanted = annotation(inputs, DELETION_PROPAGATION).lower()
    policy = {"orphan": "Orphan", "background": "Background"}.get(wanted, "Foreground")
    body: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy}
    try:
        cluster.request("DELETE", cluster.kind_of(obj).path(namespace_of(obj), name), body=body)
    except NoMatch:
        return False
    except Refused as error:
        if error.not_found:
            return False
        raise
    return True


def is_same(one: Object, other: Object) -> bool:
    """Whether two readings are of the same object, not of one made anew under its name."""
    first, second = pluck(one, "metadata", "uid"), pluck(other, "metadata", "uid")
    return not first or not second or bool(first == second)
