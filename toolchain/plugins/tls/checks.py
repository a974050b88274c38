"""Validation of inputs, in the words of the official plugin where a recording shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from toolchain.plugins.protocol import has_unknown, is_unknown, revealed
from toolchain.plugins.tls.schema import SUBJECT_KEYS, Attribute, Kind

_TYPES: dict[str, type[Any]] = {"text": str, "integer": int, "flag": bool, "texts": list, "map": dict}


def problems(kind: Kind, name: str, inputs: Mapping[str, Any]) -> list[str]:
    """Return every problem of a resource's inputs; values that are not known yet are not looked at."""
    known = {attribute.name for attribute in kind.inputs}
    found = [_foreign(key, name) for key in inputs if key not in known and not key.startswith("__")]
    for attribute in kind.inputs:
        found += _problems_of(attribute, name, revealed(inputs.get(attribute.name)))
    return found


def _foreign(key: str, name: str) -> str:
    return (
        f"Unsupported argument. An argument named {json.dumps(key)} is not covered by helicon's own `tls` "
        f"plugin. Next: remove it, or use the official plugin (`pulumi plugin install resource tls`). "
        f"Examine values at '{name}.{key}'."
    )


def _problems_of(attribute: Attribute, name: str, value: Any) -> list[str]:
    place = f"{name}.{attribute.name}"
    if value is None:
        missing = f'The argument "{attribute.underscored}" is required, but no definition was found.'
        return [_problem("Missing required argument", missing, place)] if attribute.required else []
    if is_unknown(value):
        return []
    wanted = _TYPES[attribute.kind]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        expected = f"Attribute {attribute.underscored} must be {attribute.kind}, got: {json.dumps(value)}."
        return [_problem("Incorrect Attribute Value Type", expected, place)]
    if attribute.kind == "texts":
        return [line for index, one in enumerate(value) for line in _of_element(attribute, name, index, one)]
    if attribute.kind == "map":
        return [_foreign(key, place) for key in value if key not in SUBJECT_KEYS and not key.startswith("__")]
    return _limits(attribute, attribute.underscored, value, place)


def _of_element(attribute: Attribute, name: str, index: int, value: Any) -> list[str]:
    if has_unknown(value):
        return []
    where = f"{attribute.underscored}[{index}]"
    return _limits(attribute, where, value, f"{name}.{attribute.name}[{index}]")


def _limits(attribute: Attribute, where: str, value: Any, place: str) -> list[str]:
    if attribute.one_of and value not in attribute.one_of:
        choices = " ".join(json.dumps(choice) for choice in attribute.one_of)
        text = f"Attribute {where} value must be one of: [{choices}], got: {json.dumps(value)}."
        return [_problem("Invalid Attribute Value Match", text, place)]
    if attribute.at_least is not None and value < attribute.at_least:
        text = f"Attribute {where} value must be at least {attribute.at_least}, got: {value}."
        return [_problem("Invalid Attribute Value", text, place)]
    return []


def _problem(title: str, text: str, place: str) -> str:
    return f"{title}. {text} Examine values at '{place}'."
