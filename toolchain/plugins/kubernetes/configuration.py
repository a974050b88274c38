"""The provider's own configuration: its options, the kubeconfig, and what a change of them means."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from toolchain.plugins.kubernetes.objects import Object, plain
from toolchain.plugins.values import is_unknown

_CLUSTER_KEYS = ("kubeconfig", "context", "cluster")
_PREFIX = "kubernetes:config:"


class BadKubeconfig(Exception):
    """A kubeconfig that cannot be read; the message says where."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings of one provider resource, with the environment variables of the official plugin as a
    fallback."""

    kubeconfig: str
    context: str
    cluster: str
    namespace: str
    server_side_apply: bool
    patch_force: bool
    upsert: bool
    delete_unreachable: bool
    skip_update_unreachable: bool
    config_maps_mutable: bool
    secrets_mutable: bool


def options(variables: Mapping[str, str]) -> Options:
    """Return the settings of a Configure request's `variables`."""

    def text(name: str) -> str:
        return variables.get(_PREFIX + name, "")

    def flag(name: str, environment: str, default: str = "") -> bool:
        return variables.get(_PREFIX + name, os.environ.get(environment, default)) == "true"

    return Options(
        kubeconfig=text("kubeconfig"),
        context=text("context"),
        cluster=text("cluster"),
        namespace=text("namespace"),
        server_side_apply=flag("enableServerSideApply", "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", "true"),
        patch_force=flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
        upsert=flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
        delete_unreachable=flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
        skip_update_unreachable=flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
        config_maps_mutable=flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
        secrets_mutable=flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    )


def parse_kubeconfig(text: str) -> Object:
    """Return a kubeconfig given as a path or as its content; raises BadKubeconfig."""
    try:
        content = yaml.safe_load(_content(text))
    except yaml.YAMLError as error:
        raise BadKubeconfig(f"yaml: {_where(error)}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise BadKubeconfig(
            f"expected a map with clusters, users and contexts, found {type(content).__name__}"
        )
    return content


def _content(text: str) -> str:
    """Return the file's text where `text` is the path of one."""
    try:
        path = Path(text).expanduser()
        return path.read_text() if text and path.is_file() else text
    except OSError:
        return text  # too long for a path: the content itself


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}: {_as_go(problem)}" if mark else _as_go(problem)


def _as_go(problem: str) -> str:
    """Return the parser's complaint in the words of the official plugin's parser, where they differ."""
    if problem.startswith("expected ',' or ']'"):
        return "did not find expected ',' or ']'"
    return problem


@dataclass(frozen=True, kw_only=True)
class ConfigChange:
    """What a change of the provider's inputs means: keys that differ, keys that replace the provider."""

    diffs: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


def change(old_values: Object, new_values: Object) -> ConfigChange:
    """Compare a provider's old and new inputs; raises BadKubeconfig.

    With `clusterIdentifier` set and unchanged nothing replaces the provider. Without it, a kubeconfig that
    is not known yet or that leads to another cluster does.
    """
    old, new = plain(old_values), plain(new_values)
    keys = tuple(key for key in sorted({*old, *new}) if old.get(key) != new.get(key))
    same_cluster = bool(new.get("clusterIdentifier")) and "clusterIdentifier" not in keys
    unknown = [key for key in _CLUSTER_KEYS if is_unknown(new.get(key))]
    moved: tuple[str, ...] = (
        ("clusterIdentifier",) if old.get("clusterIdentifier") and "clusterIdentifier" in keys else ()
    )
    moved = moved if new.get("clusterIdentifier") else ()
    if unknown:
        return ConfigChange(diffs=(unknown[0],), replaces=() if same_cluster else (*moved, unknown[0]))
    before, after = _active_cluster(old), _active_cluster(new)
    if before is not None and after is not None and before != after:
        moved += tuple(key for key in _CLUSTER_KEYS if key in keys)
    return ConfigChange(diffs=keys, replaces=() if same_cluster else moved)


def _active_cluster(values: Object) -> Any:
    """Return the cluster entry that the configuration leads to, or None."""
    try:
        config = parse_kubeconfig(_kubeconfig_text(values.get("kubeconfig")))
    except BadKubeconfig as error:
        raise BadKubeconfig(f"failed to parse kubeconfig: {error}") from error
    context = _named(config.get("contexts"), values.get("context") or config.get("current-context"))
    name = values.get("cluster") or (context or {}).get("context", {}).get("cluster")
    entry = _named(config.get("clusters"), name) if context else None
    return entry["cluster"] if entry and "cluster" in entry else None


def _kubeconfig_text(value: Any) -> str:
    if isinstance(value, dict):
        return yaml.safe_dump(value)
    return value if isinstance(value, str) else ""


def _named(entries: Any, name: Any) -> Object | None:
    if not isinstance(entries, list):
        return None
    return next((entry for entry in entries if isinstance(entry, dict) and entry.get("name") == name), None)
