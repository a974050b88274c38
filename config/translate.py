"""pydantic's errors as problems: what was expected and found there, and what to write instead."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from config.descriptions import descriptions
from config.problems import Path, Problem, did_you_mean, show

SECRET = re.compile(r"pass(word|phrase|wd)|secret|token|private_?key|credential", re.IGNORECASE)
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "mapping_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "tuple_type": "a list",
    "list_type": "a list",
}
_LIMITS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} in the list",
    "string_too_short": "some text",
}


def location(error: ErrorDetails) -> Path:
    """Where the error stands; pydantic marks errors of a key itself with a last step of its own."""
    return tuple(step for step in error["loc"] if step != "[key]")


def innermost(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """The errors without those that only follow from another one further inside."""
    places = [location(error) for error in errors]
    followed = {inner[:length] for inner in places for length in range(len(inner))}
    return [error for error, place in zip(errors, places, strict=True) if place not in followed]


def problem(error: ErrorDetails, model: type[BaseModel], path: Path) -> Problem:
    """One of pydantic's errors, found while `model` was checked, as a problem at `path`."""
    kind, context = error["type"], error.get("ctx", {})
    found = show(error["input"])
    if kind == "missing":
        return _missing(error, model, path)
    if kind == "extra_forbidden":
        return _unknown(error, model, path)
    if kind == "helicon":
        expected, suggestion = str(context["expected"]), str(context["suggestion"])
    elif kind == "literal_error":
        expected, suggestion = str(context["expected"]), _other_literal(error, model)
    else:
        expected = _expectation(error)
        suggestion = (
            _how_to_write(kind, error["input"]) or f"Meant is: {_description(model, location(error))}"
        )
    return Problem(path=path, expected=expected, found=found, suggestion=suggestion)


def _missing(error: ErrorDetails, model: type[BaseModel], path: Path) -> Problem:
    description = _description(model, location(error))
    return Problem(path=path, expected="a value", found="nothing", suggestion=f"Add it: {description}")


def _unknown(error: ErrorDetails, model: type[BaseModel], path: Path) -> Problem:
    *above, key = location(error)
    if SECRET.search(str(key)):
        suggestion = "Remove it: configuration is copied into the state. Use identity_file, or agent: true."
        return Problem(path=path, expected="no secrets", found="(hidden)", suggestion=suggestion)
    suggestion = did_you_mean(str(key), known_keys(model, tuple(above)))
    return Problem(path=path, expected="a known key", found=show(key), suggestion=suggestion)


def _expectation(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _LIMITS:
        return _LIMITS[kind].format(**context)
    return _EXPECTED.get(kind) or re.sub(
        r"^(Input|String|Tuple) should ", "a value that should ", error["msg"]
    )


def _how_to_write(kind: str, found: object) -> str:
    if found is None:
        return "Give it a value, or remove the key."
    if kind == "string_type" and isinstance(found, (bool, int, float)):
        return f'Put quotes around it: "{str(found).lower()}".'
    if kind == "int_type" and isinstance(found, str) and found.strip().isdecimal():
        return f"Remove the quotes: {found.strip()}."
    if _EXPECTED.get(kind, "").startswith("a mapping"):
        return "Write its keys below it, or leave it out."
    if kind == "bool_type":
        return "Write true or false, without quotes."
    if kind == "tuple_type" and not isinstance(found, Mapping):
        return f"Put it into brackets: [{show(found)}]."
    return ""


def _other_literal(error: ErrorDetails, model: type[BaseModel]) -> str:
    found = error["input"]
    words = [str(word) for word in _literals(_annotation(model, location(error)))] or _keys(error, model)
    if isinstance(found, bool):
        meant = next((word for word in words if word in ("off", "on", "yes", "no")), None)
        return f'Put quotes around it: "{meant}".' if meant else did_you_mean("", words)
    return did_you_mean(str(found), words)


def _keys(error: ErrorDetails, model: type[BaseModel]) -> list[str]:
    above = _annotation(model, location(error)[:-1])
    return [str(word) for word in _literals(get_args(above)[0])] if get_args(above) else []


def _literals(annotation: Any) -> tuple[object, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that may stand in the mapping at the path below a model."""
    found = _annotation(model, path)
    return list(found.model_fields) if isinstance(found, type) and issubclass(found, BaseModel) else []


def _description(model: type[BaseModel], path: Path) -> str:
    """What the innermost described field on the path is for."""
    for length in range(len(path), 0, -1):
        above = _annotation(model, path[: length - 1])
        if isinstance(above, type) and issubclass(above, BaseModel):
            return descriptions(above).get(str(path[length - 1])) or "see config/stack.schema.json."
    return "see config/stack.schema.json."


def _annotation(annotation: Any, path: Path) -> Any:
    """The type of what stands at the path below a type."""
    annotation = _bare(annotation)
    if not path:
        return annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(path[0]))
        return _annotation(field.annotation if field else None, path[1:])
    arguments = get_args(annotation)
    if not arguments:
        return None
    inner = arguments[0] if isinstance(path[0], int) else arguments[-1]
    return _annotation(inner, path[1:])


def _bare(annotation: Any) -> Any:
    """The type without annotations and without `None`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(one for one in get_args(annotation) if one is not type(None)))
    return annotation
