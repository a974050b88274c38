"""Who owns which field of an object: the `managedFields` of server-side apply."""

from __future__ import annotations

from typing import Any

from toolchain.plugins.kubernetes.objects import Object, pluck

CLIENT_SIDE = "pulumi-kubernetes"
"""Manager of objects when they are created; the first update hands its fields over to the resource's own
manager."""
_CLIENT_SIDE_NAMES = (CLIENT_SIDE, "pulumi-kubernetes.exe", "pulumi-resource-kubernetes")
_TAKEN_OVER = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    *((name, "Update") for name in _CLIENT_SIDE_NAMES),
)


def entries(obj: Object) -> list[Object]:
    """Return the entries of `metadata.managedFields`."""
    return list(pluck(obj, "metadata", "managedFields") or [])


def made_client_side(obj: Object) -> bool:
    """Whether some fields still belong to the manager that Pulumi creates objects with."""
    return any(
        entry.get("operation") == "Update" and entry.get("manager") in _CLIENT_SIDE_NAMES
        for entry in entries(obj)
    )


def takeover(obj: Object, manager: str) -> list[Object] | None:
    """Return the JSON patch that gives `manager` what kubectl and Pulumi's creates own; None when that is
    nothing.

    Without it an apply would conflict with, or forever share fields with, the create that came before it.
    """
    kept: list[Object] = []
    ours: Object | None = next(
        (
            entry
            for entry in entries(obj)
            if (entry.get("manager"), entry.get("operation")) == (manager, "Apply")
        ),
        None,
    )
    taken = [entry for entry in entries(obj) if entry is not ours and _is_taken(entry)]
    kept = [entry for entry in entries(obj) if entry is not ours and entry not in taken]
    if not taken:
        return None
    merged = {**(ours or taken[0]), "manager": manager, "operation": "Apply"}
    for entry in taken:
        merged["fieldsV1"] = _union(merged.get("fieldsV1", {}), entry.get("fieldsV1", {}))
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*kept, merged]},
        {
            "op": "replace",
            "path": "/metadata/resourceVersion",
            "value": pluck(obj, "metadata", "resourceVersion"),
        },
    ]


def _is_taken(entry: Object) -> bool:
    """Whether an entry (of no subresource) belongs to one of the managers that Pulumi takes over from."""
    if entry.get("subresource"):
        return False
    manager, operation = str(entry.get("manager", "")), entry.get("operation")
    return any(manager.startswith(name) and operation == how for name, how in _TAKEN_OVER)


def _union(one: Object, other: Object) -> Object:
    return {**one, **{key: _union(one.get(key, {}), value) for key, value in other.items()}}


def without_ignored(inputs: Object, live: Object, ignored: list[str], manager: str) -> Object:
    """Return the inputs with the paths of `ignoreChanges` as they are on the server.

    A field that only others own is left out, so that it stays theirs; any other gets its live value.
    """
    result: Object = _copy(inputs)
    for path in ignored:
        keys = path.split(".")
        ours, others = _owned(live, keys, manager)
        if others and not ours:
            _remove(result, keys)
        elif (value := pluck(live, *keys)) is not None:
            _set(result, keys, value)
    return result


def _owned(live: Object, keys: list[str], manager: str) -> tuple[bool, bool]:
    path = [f"f:{key}" for key in keys]
    ours = [entry for entry in entries(live) if entry.get("manager") == manager]
    others = [entry for entry in entries(live) if entry.get("manager") != manager]
    return _any_has(ours, path), _any_has(others, path)


def _any_has(some: list[Object], path: list[str]) -> bool:
    return any(pluck(entry.get("fieldsV1"), *path) is not None for entry in some)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, list) else value


def _remove(obj: Object, keys: list[str]) -> None:
    parent = pluck(obj, *keys[:-1])
    if isinstance(parent, dict):
        parent.pop(keys[-1], None)


def _set(obj: Object, keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        obj = obj.setdefault(key, {})
    obj[keys[-1]] = value
