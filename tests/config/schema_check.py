"""The part of JSON Schema that the schema of stack files uses; what it does not know fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Schema = Any
Check = Callable[..., Iterator[str]]
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
NOTES = {"$schema", "$defs", "title", "description", "default", "examples", "format"}


def violations(value: Any, schema: Schema, root: Schema, at: str = "") -> list[str]:
    """What the schema objects to, with the place."""
    if isinstance(schema, bool):
        return [] if schema else [f"{at}: not allowed"]
    return [line for word in schema.keys() - NOTES for line in CHECKS[word](value, schema, root, at)]


def _is(value: Any, name: str) -> bool:
    number = isinstance(value, bool) and name in ("integer", "number")
    return isinstance(value, TYPES[name]) and not number


def _type(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_is(value, name) for name in names):
        yield f"{at}: {value!r} is no {names}"


def _properties(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key in value.keys() & schema["properties"].keys():
            yield from violations(value[key], schema["properties"][key], root, f"{at}/{key}")


def _patterns(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
    for pattern, inner in schema["patternProperties"].items():
        for key in value if isinstance(value, dict) else ():
            if re.search(pattern, key):
                yield from violations(value[key], inner, root, f"{at}/{key}")


def _others(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    for key in value if isinstance(value, dict) else ():
        if key not in known and not any(re.search(one, key) for one in schema.get("patternProperties", {})):
            yield from violations(value[key], schema["additionalProperties"], root, f"{at}/{key}")


def _names(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
    for key in value if isinstance(value, dict) else ():
        yield from violations(key, schema["propertyNames"], root, f"{at}/{key} (name)")


def _required(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
    missing = [key for key in schema["required"] if key not in value] if isinstance(value, dict) else []
    yield from (f"{at}: lacks {key}" for key in missing)


def _items(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
    for index, one in enumerate(value if isinstance(value, list) else []):
        yield from violations(one, schema["items"], root, f"{at}/{index}")


def _reference(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
    yield from violations(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, at)


def _any(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
    tried = [violations(value, one, root, at) for one in schema["anyOf"]]
    if all(tried):
        yield from tried[0]


def _holds(
    word: str, says: Callable[[Any, Any], bool], kinds: tuple[type, ...]
) -> Callable[..., Iterator[str]]:
    def check(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
        if isinstance(value, kinds) and not says(value, schema[word]):
            yield f"{at}: {value!r} is not {word} {schema[word]}"

    return check


CHECKS: dict[str, Check] = {
    "type": _type,
    "properties": _properties,
    "patternProperties": _patterns,
    "additionalProperties": _others,
    "propertyNames": _names,
    "required": _required,
    "items": _items,
    "$ref": _reference,
    "anyOf": _any,
    "enum": _holds("enum", lambda value, known: value in known, (object,)),
    "const": _holds("const", lambda value, known: bool(value == known), (object,)),
    "pattern": _holds("pattern", lambda value, pattern: bool(re.search(pattern, value)), (str,)),
    "minimum": _holds("minimum", lambda value, limit: bool(value >= limit), (int, float)),
    "maximum": _holds("maximum", lambda value, limit: bool(value <= limit), (int, float)),
    "minLength": _holds("minLength", lambda value, limit: len(value) >= limit, (str,)),
    "minItems": _holds("minItems", lambda value, limit: len(value) >= limit, (list,)),
    "maxProperties": _holds("maxProperties", lambda value, limit: len(value) <= limit, (dict,)),
}
