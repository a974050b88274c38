"""Check: inputs made canonical and given a name; and the fields that a provider's defaults add."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toolchain.plugins.kubernetes import naming
from toolchain.plugins.kubernetes.normalize import normalized
from toolchain.plugins.kubernetes.objects import (
    AUTONAMED,
    Object,
    annotation,
    name_of,
    namespace_of,
    plain,
    pluck,
    set_metadata,
    text_at,
)  # fmt: skip
from toolchain.plugins.kubernetes.state import with_secrets
from toolchain.plugins.values import is_unknown

_MANAGED_BY = "app.kubernetes.io/managed-by"
_MANAGED_BY_US = "pulumi"


class BadInputs(Exception):
    """Inputs that no server needs to be asked about."""


def checked(
    news: dict[str, Any], olds: dict[str, Any], *, autoname: Callable[[], str], patch: bool, namespace: str
) -> dict[str, Any]:
    """Return the inputs that go into the state; raises BadInputs.

    `autoname` is called where neither the inputs nor a resource named by it before give a name; `namespace`
    is the default for kinds that live in one, empty for none.
    """
    inputs, before = normalized(plain(news)), plain(olds)
    if patch and not name_of(inputs):
        raise BadInputs("patch resources require the `.metadata.name` field to be set")
    if not is_named(inputs):
        _name(inputs, before, autoname)
    if before and _managed_by(before) and isinstance(inputs.get("metadata"), dict):
        inputs["metadata"].setdefault("labels", {})[_MANAGED_BY] = _MANAGED_BY_US
    if namespace and not namespace_of(inputs) and not is_unknown(pluck(inputs, "metadata", "namespace")):
        set_metadata(inputs, "namespace", namespace)
    return with_secrets(inputs, news)


def is_named(inputs: Object) -> bool:
    """Whether the inputs give a name, be it one that is not known yet."""
    metadata = inputs.get("metadata")
    return is_unknown(metadata) or is_unknown(pluck(inputs, "metadata", "name")) or name_of(inputs) != ""


def _name(inputs: Object, before: Object, autoname: Callable[[], str]) -> None:
    """Give the name that was made up before, or a new one, and mark it as made up."""
    if text_at(inputs, "metadata", "generateName"):
        raise BadInputs("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
    if before and annotation(before, AUTONAMED) != "true":
        return
    set_metadata(inputs, "name", name_of(before) if before else autoname())
    annotations = inputs["metadata"].setdefault("annotations", {})
    if isinstance(annotations, dict):
        annotations[AUTONAMED] = "true"


def _managed_by(before: Object) -> bool:
    """Whether the resource carries Pulumi's label, as those do that were created with client-side apply."""
    return text_at(before, "metadata", "labels", _MANAGED_BY) == _MANAGED_BY_US


def autonamer(request: Any, urn_name: str) -> Callable[[], str]:
    """Return what makes up a name for a Check request, as the engine's settings want it; raises BadInputs."""

    def make() -> str:
        if not request.HasField("autonaming"):
            return naming.unique(request.randomSeed, f"{urn_name}-")
        if request.autonaming.mode == request.autonaming.DISABLE:
            raise BadInputs("autonaming is disabled, resource requires the .metadata.name field to be set")
        return str(request.autonaming.proposed_name)

    return make
