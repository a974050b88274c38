"""Kubernetes objects as plain data: paths, annotations, and pruning to what was asked for."""

from __future__ import annotations

from typing import Any

from toolchain.plugins.values import Secret

Object = dict[str, Any]
"""A Kubernetes object as its JSON: maps, lists, text, numbers, booleans."""
SKIP_AWAIT, TIMEOUT = "pulumi.com/skipAwait", "pulumi.com/timeoutSeconds"
AUTONAMED, WAIT_FOR, REPLACE_UNREADY = (
    "pulumi.com/autonamed",
    "pulumi.com/waitFor",
    "pulumi.com/replaceUnready",
)
PATCH_FORCE, PATCH_FIELD_MANAGER = "pulumi.com/patchForce", "pulumi.com/patchFieldManager"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"

_EXTENSIONS = (
    "embedded-resource int-or-string list-map-keys list-type map-type preserve-unknown-fields validations"
)
_DASHED = {f"x_kubernetes_{name.replace('-', '_')}": f"x-kubernetes-{name}" for name in _EXTENSIONS.split()}
_UNDERSCORED = {dashed: name for name, dashed in _DASHED.items()}


def pluck(value: Any, *path: str) -> Any:
    """Return what lies at the path in nested maps, or None."""
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def text_at(value: Any, *path: str) -> str:
    """Return the text at the path, or empty text (also for an unknown value)."""
    found = pluck(value, *path)
    return found if isinstance(found, str) else ""


def name_of(obj: Object) -> str:
    """Return `metadata.name`, empty when missing or unknown."""
    return text_at(obj, "metadata", "name")


def namespace_of(obj: Object) -> str:
    """Return `metadata.namespace`, empty when missing or unknown."""
    return text_at(obj, "metadata", "namespace")


def annotation(obj: Object, key: str) -> str:
    """Return an annotation's value, empty when missing."""
    return text_at(obj, "metadata", "annotations", key)


def set_metadata(obj: Object, key: str, value: str) -> None:
    """Set a field of `metadata`, or remove it for empty text; an unknown `metadata` stays as it is."""
    metadata = obj.get("metadata")
    if metadata is None:
        metadata = obj["metadata"] = {}
    if not isinstance(metadata, dict):
        return
    if value:
        metadata[key] = value
    else:
        metadata.pop(key, None)


def is_crd(obj: Object) -> bool:
    """Whether the object defines a custom resource."""
    return obj.get("kind") == "CustomResourceDefinition" and text_at(obj, "apiVersion").startswith(
        "apiextensions.k8s.io/"
    )


def plain(value: Any) -> Any:
    """Return the object that Kubernetes sees: secrets opened, `x_kubernetes_…` keys with their dashes
    again."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {_DASHED.get(key, key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def underscored(value: Any) -> Any:
    """Return a copy whose `x-kubernetes-…` keys are written as the typed SDKs want them."""
    if isinstance(value, dict):
        return {_UNDERSCORED.get(key, key): underscored(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [underscored(inner) for inner in value]
    return value


def prune(live: Object, shape: Object) -> Object:
    """Return the live object without the fields that the shape lacks, so that only what was asked for is
    compared."""
    return {key: _prune_value(value, shape[key]) for key, value in live.items() if key in shape}


def _prune_value(live: Any, shape: Any) -> Any:
    if isinstance(live, dict) and isinstance(shape, dict):
        return prune(live, shape)
    if isinstance(live, list) and isinstance(shape, list):
        return _prune_list(live, shape)
    return live


def _prune_list(live: list[Any], shape: list[Any]) -> list[Any]:
    if not live or not shape:
        return []
    if isinstance(live[0], dict) != isinstance(shape[0], dict) or isinstance(live[0], list) != isinstance(
        shape[0], list
    ):
        return list(live)
    return [_prune_value(value, like) for value, like in zip(live, shape, strict=False)]
