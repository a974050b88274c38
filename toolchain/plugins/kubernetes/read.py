"""Read: the live object, and what the inputs would be if they asked for just that."""

from __future__ import annotations

from typing import Any

from toolchain.plugins.kubernetes import tokens
from toolchain.plugins.kubernetes.normalize import normalized
from toolchain.plugins.kubernetes.objects import Object, plain, prune, set_metadata, text_at
from toolchain.plugins.kubernetes.state import parts

_SERVER_FIELDS = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
_SERVER_ANNOTATIONS = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
)


def asked_for(
    inputs: dict[str, Any], state: dict[str, Any], token: tokens.Token, namespace: str, name: str
) -> tuple[Object, bool]:
    """Return the old inputs, made up from the identifier where there are none; True when nothing was known
    before."""
    old = normalized(plain(inputs))
    if text_at(old, "apiVersion") and text_at(old, "kind"):
        return old, False
    live = parts(state)[1]
    unknown = not text_at(live, "kind")
    old["apiVersion"] = token.api_version if unknown else live["apiVersion"]
    old["kind"] = (
        token.kind.removesuffix("Patch") if unknown and token.built_in else live.get("kind", token.kind)
    )
    for key, value in (("name", name), ("namespace", namespace)):
        if not text_at(old, "metadata", key):
            set_metadata(old, key, value)
    return old, unknown


def live_inputs(live: Object, old: Object, *, everything: bool) -> Object:
    """Return the live values of what was asked for, or (for an import) of everything that can be asked
    for."""
    result = prune(live, old)
    if not everything or not tokens.built_in(str(live.get("apiVersion", ""))):
        return result
    result = {**result, **{key: value for key, value in live.items() if key != "status"}}
    metadata = {key: value for key, value in live.get("metadata", {}).items() if key not in _SERVER_FIELDS}
    if "annotations" in metadata:
        kept = {
            key: value for key, value in metadata["annotations"].items() if key not in _SERVER_ANNOTATIONS
        }
        metadata["annotations"] = kept
    return {**result, "metadata": metadata}
