"""Inputs brought into the form in which the API server gives them back, so that equal wishes compare
equal."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from toolchain.plugins.kubernetes import omitted, quantity, tokens
from toolchain.plugins.kubernetes.objects import Object, is_crd, pluck
from toolchain.plugins.values import has_unknown

_READ_ONLY = (
    "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
    "resourceVersion", "uid",
)  # fmt: skip
_UNTYPED_GROUPS = ("apiregistration.k8s.io/",)


def normalized(obj: Object) -> Object:
    """Return the object in canonical form, without the fields that only the server writes.

    Custom resources and objects with values not known yet are left alone but for the read-only metadata.
    """
    result = obj
    if not has_unknown(obj) and tokens.built_in(str(obj.get("apiVersion", ""))):
        result = _typed(obj)
    metadata = result.get("metadata")
    if not isinstance(metadata, dict):
        return dict(result)
    return {**result, "metadata": {key: value for key, value in metadata.items() if key not in _READ_ONLY}}


def is_secret(obj: Object) -> bool:
    """Whether the object is a Secret."""
    return obj.get("kind") == "Secret" and obj.get("apiVersion") in ("v1", "core/v1")


def _typed(obj: Object) -> Object:
    if is_crd(obj):
        return _crd(obj)
    if is_secret(obj):
        return _secret(obj)
    if str(obj["apiVersion"]).startswith(_UNTYPED_GROUPS):
        return obj
    return _fields(obj)


def _crd(obj: Object) -> Object:
    result = {key: value for key, value in obj.items() if key != "status"}
    if pluck(obj, "spec", "preserveUnknownFields") is False:
        result["spec"] = {key: value for key, value in obj["spec"].items() if key != "preserveUnknownFields"}
    return result


def _secret(obj: Object) -> Object:
    """Return the Secret with `stringData` moved into `data`, as the server does, and data in canonical
    base64."""
    data = dict(obj.get("data") or {})
    texts = obj.get("stringData") or {}
    if not texts:
        return {**obj, "data": {key: _base64(value) for key, value in data.items()}} if data else obj
    encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in texts.items()}
    rest = {key: value for key, value in obj.items() if key != "stringData"}
    return {**rest, "data": {**data, **encoded}}


def _base64(value: Any) -> Any:
    try:
        return base64.b64encode(base64.b64decode(value, validate=False)).decode()
    except (binascii.Error, TypeError, ValueError):
        return value  # the server refuses it with a better message


def _fields(fields: Object) -> Object:
    return {key: _field(key, value) for key, value in fields.items() if not omitted.leaves_out(key, value)}


def _field(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _map(key, value)
    if isinstance(value, list):
        return [_fields(item) if isinstance(item, dict) else item for item in value]
    return _amount(value) if key in omitted.QUANTITIES else value


def _map(key: str, value: Object) -> Object:
    if key in omitted.QUANTITY_MAPS:
        return {
            name: _fields(item) if isinstance(item, dict) else _amount(item) for name, item in value.items()
        }
    if key in omitted.MAPS or (key == "selector" and not {"matchLabels", "matchExpressions"} & set(value)):
        return value
    return _fields(value)


def _amount(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    return quantity.canonical(value if isinstance(value, str) else f"{value:.9f}".rstrip("0").rstrip("."))
