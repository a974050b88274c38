"""containerd's configuration files: options to TOML and back, for its formats 2 and 3; pure."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from providers.core.options import Options
from providers.core.thing import Json

CERTS = "/etc/containerd/certs.d"
CNI_BIN = "/opt/cni/bin"
"""Where Kubernetes' CNI plugins live; Debian's package of containerd looks elsewhere."""
CNI_CONF = "/etc/cni/net.d"
MARK = "# Managed by helicon: changes made by hand are put right by the next `pulumi up`."

DEFAULTS: Options = {
    "sandbox_image": "registry.k8s.io/pause:3.10.2",
    "systemd_cgroup": True,
    "restrict_oom_score_adj": False,
    "max_container_log_line_size": 16384,
    "max_recv_message_size": 16777216,
    "max_send_message_size": 16777216,
    "metrics_address": "",
    "debug_level": "",
    "registries": {},
    "metrics_histogram": False,
    "log_format": "",
}
"""containerd's own, but for the sandbox image of the newest Kubernetes and the systemd cgroup driver."""
REGISTRY: Options = {"server": "", "mirrors": [], "insecure": False, "ca": ""}

Version = tuple[int, int]
Path = tuple[str, ...]
_RUNC = ("containerd", "runtimes", "runc")
_TOP: dict[str, Path] = {
    "max_recv_message_size": ("grpc", "max_recv_message_size"),
    "max_send_message_size": ("grpc", "max_send_message_size"),
    "metrics_address": ("metrics", "address"),
    "debug_level": ("debug", "level"),
    "metrics_histogram": ("metrics", "grpc_histogram"),
    "log_format": ("debug", "format"),
}
_SELDOM = ("metrics_histogram", "log_format")
"""Written only where they are not at containerd's own default."""


def parse_version(text: str) -> Version | None:
    """Major and minor number from `containerd --version`; None where there is no such answer."""
    match = re.search(r"containerd\S* v?(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def _plugins(version: Version) -> tuple[Path, Path]:
    """Where the CRI's runtime options and its image options are."""
    if version < (2, 0):
        cri = ("plugins", "io.containerd.grpc.v1.cri")
        return cri, cri
    return ("plugins", "io.containerd.cri.v1.runtime"), ("plugins", "io.containerd.cri.v1.images")


def _paths(version: Version) -> dict[str, Path]:
    runtime, images = _plugins(version)
    sandbox = ("sandbox_image",) if version < (2, 0) else ("pinned_images", "sandbox")
    return {
        **_TOP,
        "sandbox_image": (*images, *sandbox),
        "systemd_cgroup": (*runtime, *_RUNC, "options", "SystemdCgroup"),
        "restrict_oom_score_adj": (*runtime, "restrict_oom_score_adj"),
        "max_container_log_line_size": (*runtime, "max_container_log_line_size"),
    }


def document(options: Options, version: Version) -> dict[str, Any]:
    """The configuration as data, in the format of the installed version."""
    runtime, images = _plugins(version)
    root: dict[str, Any] = {"version": 2 if version < (2, 0) else 3}
    for option, path in _paths(version).items():
        if option not in _SELDOM or options[option] != DEFAULTS[option]:
            _set(root, path, options[option])
    _set(root, (*runtime, *_RUNC, "runtime_type"), "io.containerd.runc.v2")
    # one directory became a list in 2.1
    _set(root, (*runtime, "cni", "bin_dir" if version < (2, 1) else "bin_dirs"),
         CNI_BIN if version < (2, 1) else [CNI_BIN])  # fmt: skip
    _set(root, (*runtime, "cni", "conf_dir"), CNI_CONF)
    _set(root, (*images, "registry", "config_path"), CERTS)
    return root


def text(options: Options, version: Version) -> str:
    """The configuration file."""
    return f"{MARK}\n{toml(document(options, version))}"


def parse(found: Mapping[str, Any], version: Version) -> dict[str, Json]:
    """The options (but for the registries) that a configuration in our form has; None where it is silent."""
    options = {option: _get(found, path) for option, path in _paths(version).items()}
    return {**options, **{key: DEFAULTS[key] for key in _SELDOM if options[key] is None}}


def hosts(registry: Options) -> str:
    """The hosts.toml of one registry: its mirrors in order, then (by containerd itself) the server."""
    entry: dict[str, Json] = {"capabilities": ["pull", "resolve"], "skip_verify": registry["insecure"]}
    entry |= {"ca": registry["ca"]} if registry["ca"] else {}
    mirrors = registry["mirrors"] or [registry["server"]]
    assert isinstance(mirrors, list)
    return f"{MARK}\n{toml({'server': registry['server'], 'host': {str(one): entry for one in mirrors}})}"


def parse_hosts(found: str) -> dict[str, Json]:
    """The options of a registry; {"content": …} where the file is not in our form."""
    try:
        data = tomllib.loads(found)
        server, mirrors = data["server"], list(data["host"])
        insecure = {entry["skip_verify"] for entry in data["host"].values()}
        authorities = {entry.get("ca", "") for entry in data["host"].values()}
        registry: dict[str, Json] = {
            "server": server,
            "mirrors": [] if mirrors == [server] else mirrors,
            "insecure": insecure == {True},
            "ca": authorities.pop() if len(authorities) == 1 else "",
        }
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError):
        return {"content": "(differs)"}
    same = tomllib.loads(hosts(registry)) == data
    return registry if same else {**registry, "content": "(differs)"}


def toml(data: Mapping[str, Any], path: Path = ()) -> str:
    """TOML of nested tables of strings, integers, booleans and lists of strings."""
    tables = {key: value for key, value in data.items() if isinstance(value, dict)}
    lines = [f"{_key(key)} = {json.dumps(value)}" for key, value in data.items() if key not in tables]
    head = [f"[{'.'.join(map(_key, path))}]"] if path and lines else []
    own = ["\n".join([*head, *lines, ""])] if lines else []
    return "\n".join([*own, *(toml(value, (*path, key)) for key, value in tables.items())])


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _set(root: dict[str, Any], path: Path, value: Json) -> None:
    for key in path[:-1]:
        root = root.setdefault(key, {})
    root[path[-1]] = value


def _get(found: Any, path: Path) -> Json:
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found  # type: ignore[no-any-return]
