"""From plain data to a rack: merge the defaults, check every part, then what only holds between parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path as FilePath

import yaml
from pydantic import BaseModel, JsonValue

from config import rules
from config.addons import Addons, Artifacts, Network, Readiness
from config.assemble import assemble
from config.authority import Authority
from config.backup import Backup
from config.balancing import Zone
from config.cluster import Cluster
from config.draft import Draft
from config.external_etcd import EtcdMemberSettings
from config.machines import Defaults, FurtherSettings, LoadBalancerSettings, MachineSettings, NodeSettings
from config.merge import Plain, merged, plain
from config.preflight import Preflight
from config.problems import ConfigurationError, Path, Problem, did_you_mean, show
from config.rack import Rack
from config.rules_balancing import check_zone_name

NAMESPACE = "helicon"
PARTS: Mapping[str, type[BaseModel]] = {
    "cluster": Cluster,
    "network": Network,
    "authority": Authority,
    "addons": Addons,
    "readiness": Readiness,
    "artifacts": Artifacts,
    "preflight": Preflight,
    "backup": Backup,
    "defaults": Defaults,
}
OPTIONAL = {"artifacts", "backup"}
"""Parts that mean something by being left out."""
MACHINES: Mapping[str, type[MachineSettings]] = {
    "load_balancers": LoadBalancerSettings,
    "nodes": NodeSettings,
    "etcd_members": EtcdMemberSettings,
    "machines": FurtherSettings,
}
KEYS = (*PARTS, "zones", *MACHINES)
"""The keys of a stack's configuration, without their namespace."""
NODE_DEFAULTS: Plain = {
    # Container runtime and kube-proxy want bridged traffic seen by iptables, and routing
    # (kubernetes.io: Container Runtimes; flannel's documentation asks for br_netfilter).
    "modules": ["overlay", "br_netfilter"],
    "sysctl": {
        "net.bridge.bridge-nf-call-iptables": "1",
        "net.bridge.bridge-nf-call-ip6tables": "1",
        "net.ipv4.ip_forward": "1",
    },
}
"""What every node needs; the defaults of a rack and each node can say otherwise."""
SECRET = "(secret)"
"""What a tool without Pulumi sees in place of an encrypted value."""


def load(raw: Mapping[str, object], *, stack: str) -> Rack:
    """The rack of a stack, from its configuration (keys without namespace); all problems in one error."""
    draft = check(raw)
    if draft.problems:
        order = [*draft.raw, *KEYS]
        problems = sorted(draft.problems, key=lambda one: order.index(str(one.path[0])) if one.path else -1)
        raise ConfigurationError(problems, source=f"Pulumi.{stack}.yaml")
    return assemble(draft, stack)


def check(raw: Mapping[str, object]) -> Draft:
    """What is sound in a configuration, and every problem in it."""
    problems: list[Problem] = []
    draft = Draft(raw=_mapping(plain(raw, (), problems)), problems=problems)
    for key in draft.raw:
        if key not in KEYS:
            suggestion = did_you_mean(key, KEYS)
            draft.report((key,), expected="a known key", found=show(key), suggestion=suggestion)
    for key, model in PARTS.items():
        _check_part(draft, key, model)
    _check_zones(draft)
    for key in MACHINES:
        _check_machines(draft, key)
    rules.apply(draft)
    return draft


def _mapping(value: JsonValue) -> Plain:
    return value if isinstance(value, dict) else {}


def _check_part(draft: Draft, key: str, model: type[BaseModel]) -> None:
    if key in OPTIONAL and key not in draft.raw:
        return
    value = draft.raw.get(key)
    place = partial(_below, (key,))
    found = draft.check(model, {} if value is None else value, place, partial=key == "defaults")
    if found is not None:
        draft.parts[key] = found


def _below(top: Path, path: Path) -> Path:
    return (*top, *path)


def _check_zones(draft: Draft) -> None:
    value = draft.raw.get("zones")
    if not isinstance(value, dict | None):
        suggestion = "Write one line for each zone, its name first."
        draft.report(("zones",), expected="a mapping (name: zone)", found=show(value), suggestion=suggestion)
    for name, own in _mapping(value).items():
        check_zone_name(draft, ("zones", name))
        found = draft.check(Zone, {} if own is None else own, partial(_below, ("zones", name)))
        if found is not None:
            draft.zones[name] = found


def _check_machines(draft: Draft, key: str) -> None:
    value = draft.raw.get(key)
    if not isinstance(value, dict | None):
        suggestion = "Write one line for each machine, its name first."
        draft.report((key,), expected="a mapping (name: machine)", found=show(value), suggestion=suggestion)
    for name, own in _mapping(value).items():
        rules.check_name(draft, (key, name))
        if own is None or isinstance(own, dict):
            _check_machine(draft, key, name, own or {})
        else:
            suggestion = "Write at least its address: {address: ...}."
            draft.report(
                (key, name), expected="a mapping (key: value)", found=show(own), suggestion=suggestion
            )


def _check_machine(draft: Draft, key: str, name: str, own: Plain) -> None:
    model = MACHINES[key]
    shared = {
        key: value for key, value in _mapping(draft.raw.get("defaults")).items() if key in model.model_fields
    }
    base = NODE_DEFAULTS if key == "nodes" else {}
    place = partial(draft.origin, (key, name))
    found = draft.check(model, merged(merged(base, shared), own), lambda path: place(*path))
    if found is not None:
        draft.place(name, found)


def load_file(path: str | FilePath) -> Rack:
    """The rack that a Pulumi.<stack>.yaml describes, for tools that run without Pulumi."""
    file = FilePath(path)
    match = re.fullmatch(r"Pulumi\.(.+)\.ya?ml", file.name)
    return load(read_file(file), stack=match[1] if match else file.stem)


def read_file(file: FilePath) -> dict[str, object]:
    """The keys of our namespace in a stack file, without it; encrypted values are not decrypted."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        suggestion = "See that the file exists and that its indentation is right."
        raise _unreadable(file, "a YAML file", " ".join(str(error).split()), suggestion) from None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise _unreadable(file, "`config:` with keys that begin with `helicon:`", show(config), "Add it.")
    prefix = f"{NAMESPACE}:"
    ours = {key: value for key, value in config.items() if isinstance(key, str) and key.startswith(prefix)}
    return {key.removeprefix(prefix): _veiled(value) for key, value in ours.items()}


def _unreadable(file: FilePath, expected: str, found: str, suggestion: str) -> ConfigurationError:
    problem = Problem(path=("config",), expected=expected, found=found, suggestion=suggestion)
    return ConfigurationError([problem], source=file.name)


def _veiled(value: object) -> object:
    if isinstance(value, dict):
        return SECRET if set(value) == {"secure"} else {key: _veiled(one) for key, one in value.items()}
    return [_veiled(one) for one in value] if isinstance(value, list) else value
