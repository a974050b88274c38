"""The layout of a resource's state: the live object, and in `__inputs` what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.kubernetes.objects import Object, plain, text_at, underscored
from toolchain.plugins.values import Secret

INPUTS, INITIAL_API_VERSION, FIELD_MANAGER = "__inputs", "__initialApiVersion", "__fieldManager"
_SECRET_FIELDS = ("data", "stringData")


def checkpoint(
    inputs: Object, live: Object, secrets: Mapping[str, Any], *, api_version: str, manager: str
) -> dict[str, Any]:
    """Return the resource's outputs; what is secret in `secrets` (the inputs as they came) is secret here
    too."""
    return {
        **with_secrets(underscored(live), secrets),
        INPUTS: with_secrets(underscored(inputs), secrets),
        INITIAL_API_VERSION: api_version,
        FIELD_MANAGER: manager,
    }


def parts(state: Mapping[str, Any]) -> tuple[Object, Object]:
    """Return the inputs and the live object (with the keys of this layout left in) of a state."""
    opened = plain(dict(state))
    return opened.pop(INPUTS, None) or {}, opened


def live_object(state: Mapping[str, Any]) -> Object:
    """Return the live object of a state, fit to send to a server."""
    return {key: value for key, value in parts(state)[1].items() if not key.startswith("__")}


def initial_api_version(state: Mapping[str, Any], inputs: Object) -> str:
    """Return the apiVersion that the object was created with."""
    return text_at(plain(dict(state)), INITIAL_API_VERSION) or text_at(inputs, "apiVersion")


def with_secrets(outputs: Object, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return outputs in which everything is secret that the inputs hold as a secret, and all data of a
    Secret.

    A list that holds one secret is secret as a whole: the server may have changed its order.
    """
    if outputs.get("kind") == "Secret":
        return {key: _hidden(value) if key in _SECRET_FIELDS else value for key, value in outputs.items()}
    return {key: _marked(value, inputs[key]) if key in inputs else value for key, value in outputs.items()}


def _marked(output: Any, given: Any) -> Any:
    if isinstance(output, dict) and isinstance(given, dict):
        return with_secrets(output, given)
    return _hidden(output) if _holds_secret(given) else output


def _hidden(value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_secret(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_holds_secret(inner) for inner in value)
    return isinstance(value, Secret)
