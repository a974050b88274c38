"""What of a control plane's settings may change while it lives, setting by setting; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from providers.core.errors import Refused
from providers.core.thing import Change, Site

CHANGEABLE = ("cluster", "kube_proxy_configuration", "containers")
"""The properties of a member that are compared setting by setting."""
UNFINISHED = "unfinished"
"""Stands in a member's record while its settings are being changed: a killed run is gone on with."""
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""The static pods that kubeadm writes (cmd/kubeadm/app/constants/constants.go)."""
DATA_DIRECTORY = "/var/lib/etcd"

_REBUILD = "set the former value again: only a cluster that is made anew can have another"
_FIXED = {
    "cluster.clusterName": _REBUILD,
    "cluster.networking": _REBUILD,
    "cluster.controllerManager.extraArgs.node-cidr-mask-size": _REBUILD,
    "cluster.etcd.local.dataDir": f"set the former value again; storage: {{binds: {{{DATA_DIRECTORY}: ...}}}} "
    "moves the data to another disk",
}
"""What a living control plane cannot take over, by prefix, with the next step."""
_LOCAL, _EXTERNAL = "cluster.etcd.local", "cluster.etcd.external"


def normal(joined: Any) -> Any:
    """Settings with arguments as {"name": value}, also where they stand as kubeadm's list of pairs."""
    if isinstance(joined, Mapping):
        return {
            key: _named(one) if key == "extraArgs" and isinstance(one, list) else normal(one)
            for key, one in joined.items()
        }
    return [normal(one) for one in joined] if isinstance(joined, list) else joined


def _named(pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    values: dict[str, list[Any]] = {}
    for pair in pairs:
        values.setdefault(str(pair["name"]), []).append(pair["value"])
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def listed(settings: Any) -> Any:
    """The other way round: arguments as kubeadm's list of pairs, sorted by name."""
    if not isinstance(settings, Mapping):
        return settings
    return {
        key: _pairs(one) if key == "extraArgs" and isinstance(one, Mapping) else listed(one)
        for key, one in settings.items()
    }


def _pairs(arguments: Mapping[str, Any]) -> list[dict[str, str]]:
    several = ((name, arguments[name]) for name in sorted(arguments))
    return [
        {"name": name, "value": str(one)}
        for name, value in several
        for one in (value if isinstance(value, list) else [value])
    ]


def differences(current: Mapping[str, Any], desired: Mapping[str, Any]) -> list[Change]:
    """One change for each setting that differs, named by its path; None stands for kubeadm's default."""
    was, now = _flat(current), _flat(desired)
    changes = [
        Change(field=path, was=was.get(path), now=now.get(path))
        for path in sorted({*was, *now})
        if was.get(path) != now.get(path)
    ]
    if UNFINISHED in current:
        changes.append(Change(field=UNFINISHED, was=current[UNFINISHED], now=None))
    return changes


def _flat(joined: Mapping[str, Any]) -> dict[str, object]:
    known = {key: joined[key] for key in CHANGEABLE if key in joined}
    leaves = dict(_leaves("", known))
    if leaves.get("cluster.etcd.local.dataDir") == DATA_DIRECTORY:
        del leaves["cluster.etcd.local.dataDir"]  # kubeadm's default
    return leaves


def _leaves(above: str, value: Any) -> Iterator[tuple[str, object]]:
    if not isinstance(value, Mapping):
        yield above, value
        return
    for key, one in value.items():
        yield from _leaves(f"{above}.{key}" if above else str(key), one)


def reconfigures(field: str) -> bool:
    """Whether a change of this name is one of settings."""
    return field == UNFINISHED or field.split(".")[0] in CHANGEABLE


def refuse(site: Site, changes: Sequence[Change]) -> None:
    """Raise Refused where one of the changes is none that a living control plane can take over."""
    for change in changes:
        next_step = objection(change, changes)
        if next_step is not None:
            raise Refused(
                host=str(site.host),
                item=f"kubeadm {change.field}",
                expected=f"{change.now!r} as configured",
                found=f"a cluster that lives with {change.was!r}",
                next_step=next_step,
            )


def objection(change: Change, changes: Sequence[Change]) -> str | None:
    """The next step for a change that a living control plane cannot take over; None where it can."""
    if change.field.startswith(_EXTERNAL) and any(one.field.startswith(_LOCAL) for one in changes):
        return _REBUILD  # from etcd on the control planes to one of its own machines, or back
    for prefix, next_step in _FIXED.items():
        if change.field == prefix or change.field.startswith(f"{prefix}."):
            return next_step
    return None
