"""Docker's daemon.json and cri-dockerd's command line: options to text and back; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from providers.core.options import Options
from providers.core.thing import Json

MARK = "# Managed by helicon: changes made by hand are put right by the next `pulumi up`."
DEFAULTS: Options = {
    "cgroup_driver": "systemd",
    "log_driver": "json-file",
    "log_max_size": "100m",
    "log_max_file": 3,
    "storage_driver": "overlay2",
    "insecure_registries": [],
    "registry_mirrors": [],
    "data_root": "",
    "sandbox_image": "registry.k8s.io/pause:3.10.2",
}
"""What Kubernetes' documentation asks of Docker; the kubelet's cgroup driver is systemd as well."""
_CGROUP = "native.cgroupdriver="
_PLAIN = {
    "storage-driver": "storage_driver",
    "insecure-registries": "insecure_registries",
    "registry-mirrors": "registry_mirrors",
    "data-root": "data_root",
    "log-driver": "log_driver",
}
_ARGS = "--container-runtime-endpoint fd:// --network-plugin=cni --pod-infra-container-image="


def document(options: Options, found: Mapping[str, Any]) -> dict[str, Any]:
    """daemon.json: what is there, with our keys as the options say; an empty option needs no key."""
    root = {key: value for key, value in found.items() if key not in (*_PLAIN, "exec-opts", "log-opts")}
    others = [one for one in found.get("exec-opts", []) if not str(one).startswith(_CGROUP)]
    root["exec-opts"] = [*others, f"{_CGROUP}{options['cgroup_driver']}"]
    root |= {key: options[option] for key, option in _PLAIN.items() if options[option]}
    if options["log_driver"] == "json-file":
        root["log-opts"] = {"max-size": options["log_max_size"], "max-file": str(options["log_max_file"])}
    return root


def parse(found: Mapping[str, Any], wanted: Options) -> dict[str, Json]:
    """The options that a daemon.json has; sizes of logs count only for the driver that has them."""
    options: dict[str, Json] = {option: found.get(key, DEFAULTS[option]) for key, option in _PLAIN.items()}
    options["storage_driver"], options["log_driver"] = found.get("storage-driver"), found.get("log-driver")
    drivers = [str(one).removeprefix(_CGROUP) for one in found.get("exec-opts", []) if _CGROUP in str(one)]
    options["cgroup_driver"] = drivers[-1] if drivers else None
    logs = found.get("log-opts", {})
    if options["log_driver"] != "json-file":
        return {**options, **{key: wanted[key] for key in ("log_max_size", "log_max_file")}}
    files = str(logs.get("max-file", ""))
    return {
        **options,
        "log_max_size": logs.get("max-size"),
        "log_max_file": int(files) if files.isdecimal() else None,
    }


def load(text: str) -> dict[str, Any] | None:
    """A daemon.json as data; None where it is no JSON mapping."""
    try:
        found = json.loads(text or "{}")
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def drop_in(sandbox_image: Json) -> str:
    """cri-dockerd's command line: CNI, and the pause image of the Kubernetes version."""
    return f"{MARK}\n[Service]\nExecStart=\nExecStart=cri-dockerd {_ARGS}{sandbox_image}\n"


def parse_drop_in(text: str) -> str | None:
    """The pause image of a drop-in in our form; None where there is none."""
    match = re.search(r"^ExecStart=cri-dockerd .*image=(\S+)$", text, re.MULTILINE)
    return match[1] if match and drop_in(match[1]).strip() == text.strip() else None
