"""Pulumi's property values as Python values, and back.

A `google.protobuf.Struct` becomes a dict: a missing key is missing, a null is None, a whole number is an
int, a secret is a `Secret`, what is not known yet is `UNKNOWN`. Assets, archives and resource references
stay the signed dicts that they are on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""The key that marks a dict as something special (pulumi/sdk/go/common/resource/sig)."""
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How a value that is not known yet is written on the wire (pulumi/sdk/go/common/resource/plugin)."""
EXACT: Final = 2.0**53
"""Doubles hold every whole number below this."""


@dataclass(frozen=True)
class Secret:
    """A value that is encrypted in the state and hidden in the output."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


class Unknown:
    """The type of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: object) -> Unknown:
        return self


UNKNOWN: Final = Unknown()
"""A value that is only known once another resource was made."""


def is_unknown(value: object) -> bool:
    """Whether the value itself, not something inside it, is not known yet."""
    return isinstance(value, Unknown)


def has_unknown(value: Any) -> bool:
    """Whether the value or anything inside it is not known yet."""
    if isinstance(value, dict):
        return any(has_unknown(inner) for inner in value.values())
    if isinstance(value, list):
        return any(has_unknown(inner) for inner in value)
    return has_unknown(value.value) if isinstance(value, Secret) else is_unknown(value)


def revealed(value: Any) -> Any:
    """Return a copy in which no secret is marked as one."""
    if isinstance(value, Secret):
        return revealed(value.value)
    if isinstance(value, dict):
        return {key: revealed(inner) for key, inner in value.items()}
    return [revealed(inner) for inner in value] if isinstance(value, list) else value


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return the values of a Struct; see the module's text for what each kind becomes."""
    return {key: _decode(value) for key, value in struct.fields.items()}


def encode(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return the Struct of such values."""
    return struct_pb2.Struct(fields={key: _encode(value) for key, value in values.items()})


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    return _DECODERS[kind](value) if kind else None


def _decode_number(value: struct_pb2.Value) -> int | float:
    number = value.number_value
    return int(number) if number.is_integer() and abs(number) < EXACT else number


def _decode_text(value: struct_pb2.Value) -> Any:
    return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value


def _decode_struct(value: struct_pb2.Value) -> Any:
    values = decode(value.struct_value)
    signature = values.get(SIGNATURE)
    if signature == SECRET:
        return Secret(values.get("value"))
    if signature == OUTPUT:
        known = values.get("value", UNKNOWN)
        return Secret(known) if values.get("secret") else known
    return values


_DECODERS: dict[str, Callable[[struct_pb2.Value], Any]] = {
    "null_value": lambda value: None,
    "bool_value": lambda value: value.bool_value,
    "number_value": _decode_number,
    "string_value": _decode_text,
    "list_value": lambda value: [_decode(inner) for inner in value.list_value.values],
    "struct_value": _decode_struct,
}


def _encode(value: Any) -> struct_pb2.Value:
    if isinstance(value, Secret):
        return struct_pb2.Value(struct_value=encode({SIGNATURE: SECRET, "value": value.value}))
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=encode(value))
    if isinstance(value, (list, tuple)):
        inner = [_encode(one) for one in value]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=inner))
    return _encode_scalar(value)


def _encode_scalar(value: Any) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if is_unknown(value):
        return struct_pb2.Value(string_value=UNKNOWN_TEXT)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    raise TypeError(f"a property value cannot be a {type(value).__name__}")
