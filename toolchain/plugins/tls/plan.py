"""What a resource will be: defaults filled in, compared with the state, and checked for renewal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from toolchain.plugins.protocol import UNKNOWN, Secret, is_unknown
from toolchain.plugins.tls.schema import SUBJECT_KEYS, Attribute, Kind

DELTA = "__pulumi_raw_state_delta"
META = "__meta"
Values = Mapping[str, Any]


def planned(kind: Kind, inputs: Values) -> dict[str, Any]:
    """Return the values that a user decides, with defaults; None where neither gives one."""
    given = {attribute: inputs.get(attribute.name) for attribute in kind.inputs}
    values = {one.name: one.default if value is None else value for one, value in given.items()}
    if kind.expires:
        values["readyForRenewal"] = _always_due(values)
    return values


def preview(kind: Kind, inputs: Values) -> dict[str, Any]:
    """Return what a resource that does not exist yet will be."""
    values = planned(kind, inputs)
    for attribute in kind.attributes:
        settled = attribute.kept and values[attribute.name] is None
        if settled or attribute.name not in values:
            values[attribute.name] = UNKNOWN
    return values


def changed(kind: Kind, inputs: Values, state: Values, now: datetime) -> tuple[list[str], list[str]]:
    """Return the properties that differ, and those of them that replace the resource."""
    values = planned(kind, inputs)
    differing = [one for one in kind.inputs if _differs(one, values[one.name], state.get(one.name))]
    diffs = {one.name for one in differing}
    replaces = {one.name for one in differing if one.replaces}
    if kind.expires and is_due({**state, **values}, now):
        diffs.add("readyForRenewal")
        replaces.add("readyForRenewal")
    elif kind.expires and values["readyForRenewal"] != state.get("readyForRenewal"):
        diffs.add("readyForRenewal")
    return sorted(diffs), sorted(replaces)


def _differs(attribute: Attribute, wanted: Any, there: Any) -> bool:
    if wanted is None and attribute.kept:
        return False
    return bool(wanted != there)


def updated(kind: Kind, inputs: Values, state: Values) -> dict[str, Any]:
    """Return the state after a change in place."""
    kept = {one.name for one in kind.inputs if one.kept and inputs.get(one.name) is None}
    values = {name: value for name, value in planned(kind, inputs).items() if name not in kept}
    return {**state, **values}


def is_due(state: Values, now: datetime) -> bool:
    """Whether a certificate has expired or is inside its renewal window."""
    end, early = state.get("validityEndTime"), state.get("earlyRenewalHours")
    if not isinstance(end, str) or is_unknown(early):
        return False
    return datetime.fromisoformat(end) - timedelta(hours=early or 0) <= now


def _always_due(values: Values) -> bool:
    validity, early = values["validityPeriodHours"], values["earlyRenewalHours"]
    if validity == 0:
        return True
    return not is_unknown(validity) and not is_unknown(early) and early >= validity


def outputs(kind: Kind, values: Values, *, settled: bool = True) -> dict[str, Any]:
    """Return the properties for the engine: secrets marked, None left out."""
    secret = {one.name for one in kind.attributes if one.secret}
    names = [one.name for one in kind.attributes if values.get(one.name) is not None]
    shown = {name: _marked(values[name], secret=name in secret) for name in names}
    if settled:
        shown[DELTA] = _delta(kind, values)
        if kind.meta:
            shown[META] = kind.meta
    return shown


def checked(kind: Kind, inputs: Values) -> dict[str, Any]:
    """Return the inputs with those marked that are secret by nature, also where they are not known yet."""
    secret = {one.name for one in kind.attributes if one.secret}
    return {key: Secret(value) if key in secret and not isinstance(value, Secret) else value
            for key, value in inputs.items()}  # fmt: skip


def _marked(value: Any, *, secret: bool) -> Any:
    return Secret(value) if secret and not is_unknown(value) else value


def _delta(kind: Kind, values: Values) -> dict[str, Any]:
    """Return how Terraform's state differs from ours: the official plugin rebuilds that state with it."""
    parts = {one.name: _delta_of(one, values.get(one.name)) for one in kind.attributes}
    return _object(parts)


def _delta_of(attribute: Attribute, value: Any) -> Any:
    if value is None:
        return _null()
    if attribute.kind == "texts":
        return {"arr": {}}
    if attribute.kind != "map":
        return None
    parts: dict[str, Any] = {key: None if value.get(key) is not None else _null() for key in SUBJECT_KEYS}
    if value.get("streetAddresses") is not None:
        parts["streetAddresses"] = {"arr": {}}
    inner = _object(parts)
    inner["obj"]["renamed"] = {"streetAddresses": "street_address"}
    return {"plu": {"i": inner}}


def _null() -> Secret:
    return Secret({"replace": {"raw": None}})


def _object(parts: dict[str, Any]) -> dict[str, Any]:
    present = {name: part for name, part in parts.items() if part is not None}
    return {"obj": {"ps": present} if present else {}}
