"""The inputs of a remote command: what may be given, what is secret, what is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.protocol import Secret, is_unknown, revealed

OUTPUTS = ("stdout", "stderr")
LOGGING = ("stdout", "stderr", "stdoutAndStderr", "none")
DEFAULTS: dict[str, Any] = {"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
"""What the official plugin fills in for a connection; the last two are a count and seconds."""
SECRETS = ("password", "privateKey", "privateKeyPassword")
_COMMAND: dict[str, type[Any] | tuple[type[Any], ...]] = {
    "connection": dict,
    "create": str,
    "update": str,
    "delete": str,
    "stdin": str,
    "environment": dict,
    "triggers": list,
    "logging": str,
    "addPreviousOutputInEnv": bool,
}
_CONNECTION: dict[str, type[Any] | tuple[type[Any], ...]] = {
    "host": str,
    "user": str,
    "port": (int, float),
    "password": str,
    "privateKey": str,
    "privateKeyPassword": str,
    "agentSocketPath": str,
    "dialErrorLimit": int,
    "perDialTimeout": int,
    "hostKey": str,
}
Types = Mapping[str, type[Any] | tuple[type[Any], ...]]


def checked(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with defaults filled in, and with the connection and its secrets marked."""
    values = {key: value for key, value in inputs.items() if not key.startswith("__")}
    if "connection" in values:
        values["connection"] = Secret(_connection(_opened(values["connection"])))
    return values


def _opened(value: Any) -> Any:
    return _opened(value.value) if isinstance(value, Secret) else value


def _connection(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    given = {key: inner for key, inner in value.items() if inner is not None}
    filled = {**DEFAULTS, **given}
    for name in SECRETS:
        if name in filled:
            filled[name] = Secret(_opened(filled[name]))
    if "proxy" in filled:
        filled["proxy"] = _connection(_opened(filled["proxy"]))
    return filled


def problems(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (property, problem) for everything that is wrong with the inputs."""
    values = {key: value for key, value in revealed(dict(inputs)).items() if not key.startswith("__")}
    found = _mistyped(values, _COMMAND, "")
    if values.get("connection") is None:
        found.append(("connection", "Missing required property 'connection'"))
    elif isinstance(values["connection"], dict):
        found += _of_connection(values["connection"], "connection")
    logging = values.get("logging")
    if isinstance(logging, str) and logging not in LOGGING:
        found.append(("logging", f"expected one of {', '.join(LOGGING)}, found {logging!r}"))
    environment = values.get("environment")
    if isinstance(environment, dict):
        found += _mistyped(environment, dict.fromkeys(environment, str), "environment.")
    return found


def _of_connection(connection: dict[str, Any], place: str) -> list[tuple[str, str]]:
    own = {key: value for key, value in connection.items() if key != "proxy"}
    found = _mistyped(own, _CONNECTION, f"{place}.")
    if own.get("host") is None:
        found.append((f"{place}.host", "Missing required property 'host'"))
    proxy = connection.get("proxy")
    if isinstance(proxy, dict) and place == "connection":
        found += _of_connection(proxy, f"{place}.proxy")
    elif proxy is not None and not is_unknown(proxy):
        found.append((f"{place}.proxy", "expected the connection of one bastion"))
    return found


def _mistyped(values: Mapping[str, Any], types: Types, prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in values.items():
        wanted = types.get(key)
        if wanted is None:
            found.append((f"{prefix}{key}", "Unrecognized property"))
        elif value is not None and not is_unknown(value) and not _fits(value, wanted):
            found.append((f"{prefix}{key}", f"expected {_named(wanted)}, found {type(value).__name__}"))
    return found


def _fits(value: Any, wanted: type[Any] | tuple[type[Any], ...]) -> bool:
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _named(wanted: type[Any] | tuple[type[Any], ...]) -> str:
    return wanted.__name__ if isinstance(wanted, type) else "a number"
