"""The JSON Schema of stack files, so that editors complete and check them: `python -m config.schema`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from config.balancing import Zone
from config.base import Part
from config.connection import Bastion
from config.descriptions import descriptions
from config.loading import KEYS, MACHINES, NAMESPACE, PARTS
from config.machines import File
from config.storage import Mount

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
REQUIRED = ("cluster", "nodes")
"""Keys that no stack can do without."""
_MERGED: tuple[type[BaseModel], ...] = (Bastion, File, Mount)
"""What can be spread over the defaults and a machine, so that one place alone may lack required keys."""
_SILENT: tuple[object, ...] = (None, "", [])
_DESCRIPTIONS = {
    "zones": "Zones beside the cluster's own, each with an endpoint and load balancers of its own, by name.",
    "load_balancers": "Machines in front of the API servers, by name.",
    "nodes": "Machines of the Kubernetes cluster, by name.",
    "etcd_members": "Machines of an external etcd, by name; without any, each control plane has a member.",
    "machines": "Further machines of the rack, by name: prepared, and no part of the cluster.",
}


def schema() -> Schema:
    """The schema of a whole Pulumi.<stack>.yaml; keys of other namespaces are left alone."""
    references, definitions = _definitions()
    return {
        "$schema": DIALECT,
        "title": "A helicon stack: one rack",
        "type": "object",
        "properties": {"config": _config(references)},
        "required": ["config"],
        "$defs": definitions,
    }


def _definitions() -> tuple[Mapping[str, Schema], Schema]:
    """References to the model of each key, and the definitions that they lead to."""
    models: dict[str, type[BaseModel]] = {**PARTS, "zones": Zone, **MACHINES}
    inputs = [(model, "validation") for model in models.values()]
    found, document = models_json_schema(inputs, ref_template="#/$defs/{model}")  # type: ignore[arg-type]
    definitions = document["$defs"]
    for model in _MERGED:
        definitions[model.__name__].pop("required", None)
    for part in _parts(Part):
        fields = definitions.get(part.__name__, {}).get("properties", {})
        for name, text in descriptions(part).items():
            if name in fields:
                fields[name]["description"] = text
    _tidy(definitions)
    return {key: found[(model, "validation")] for key, model in models.items()}, definitions


def _parts(above: type[Part]) -> Iterator[type[Part]]:
    """All models below one."""
    for model in above.__subclasses__():
        yield model
        yield from _parts(model)


def _config(references: Mapping[str, Schema]) -> Schema:
    properties = {f"{NAMESPACE}:{key}": _value(key, references[key]) for key in KEYS}
    known = "|".join(KEYS)
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": {f"^{NAMESPACE}:(?!({known})$)": False},
        "required": [f"{NAMESPACE}:{key}" for key in REQUIRED],
    }


def _value(key: str, reference: Schema) -> Schema:
    if key in PARTS:
        return {**reference, "description": (PARTS[key].__doc__ or "").strip()}
    # Quantifiers in names are those of RFC 1123 labels, which name hosts as well as resources.
    named = {"pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
    values = {"type": "object", "propertyNames": named, "additionalProperties": reference}
    return {**values, "description": _DESCRIPTIONS[key]}


def _tidy(definitions: Schema) -> None:
    """Leave out what editors would only repeat: generated titles, and defaults that say nothing."""
    for model in definitions.values():
        model.pop("title", None)
        for one in model.get("properties", {}).values():
            one.pop("title", None)
            if one.get("default", None) in _SILENT or isinstance(one["default"], dict):
                one.pop("default", None)
            if "patternProperties" in one:
                # pydantic says what keys of the right form hold, and leaves all others open
                one["additionalProperties"] = False
                one.pop("propertyNames", None)


def text() -> str:
    """The schema as committed in config/stack.schema.json."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
