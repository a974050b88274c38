"""Fields of the kubelet's configuration that this rack wants otherwise, as a drop-in beside kubeadm's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from providers.core.host import Argv
from providers.core.options import rendered, whole
from providers.core.thing import Change, Json, Site, Thing, differences
from providers.core.writing import put
from providers.software.containerd_config import MARK

DIRECTORY = "/etc/kubernetes/kubelet.conf.d"
"""What the kubelet's `--config-dir` names; it merges the files there over kubeadm's config.yaml."""
FILE = f"{DIRECTORY}/50-helicon.conf"
HEADER = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
_ASK: Argv = ("cat", FILE)
_RESTART = (
    'systemctl try-restart kubelet 2>/dev/null; rmdir -p --ignore-fail-on-non-empty "$1" 2>/dev/null; exit 0'
)


@dataclass(frozen=True, kw_only=True)
class KubeletConfigState:
    """Fields of KubeletConfiguration by name; None where the drop-in does not set one."""

    fields: dict[str, Json] = field(default_factory=dict)


class KubeletConfig(Thing[KubeletConfigState]):
    """A drop-in, since kubeadm does not reconcile the configuration that it wrote when the node joined."""

    name = "kubelet_config"

    def parse(self, value: Json) -> KubeletConfigState:
        """From {"systemReserved": {"memory": "128Mi"}}."""
        return KubeletConfigState(fields=cast(dict[str, Json], whole(value)))

    def render(self, state: KubeletConfigState) -> Json:
        """To the same shape."""
        return rendered(state.fields)

    def questions(self, managed: KubeletConfigState) -> Sequence[Argv]:
        """The drop-in."""
        return [_ASK]

    def observe(self, site: Site, managed: KubeletConfigState) -> KubeletConfigState:
        """The fields that the drop-in sets, and None for those that it lacks."""
        (answer,) = site.host.ask([_ASK])
        missing: dict[str, Json] = dict.fromkeys(managed.fields)
        return KubeletConfigState(fields={**missing, **(parse_fields(answer.text) if answer.ok else {})})

    def plan(self, current: KubeletConfigState, desired: KubeletConfigState) -> list[Change]:
        """One change for each field; one that nobody asked for goes."""
        extra = dict.fromkeys(current.fields)
        return differences(current.fields, {**extra, **desired.fields})

    def apply(self, site: Site, changes: Sequence[Change], desired: KubeletConfigState) -> None:
        """Write the drop-in; a kubelet that runs is restarted."""
        site.journal.keep_files([FILE])
        put(site, FILE, text(desired.fields))
        site.host.run(["sh", "-c", _RESTART, "restart", DIRECTORY], timeout=120)

    def remove(self, site: Site, managed: KubeletConfigState) -> None:
        """Take the drop-in away."""
        site.journal.restore_files([FILE])
        site.host.run(["sh", "-c", _RESTART, "restart", DIRECTORY], timeout=120)

    def minus(self, old: KubeletConfigState, new: KubeletConfigState) -> KubeletConfigState | None:
        """Fields that left are a change of the one file, not a part to remove."""
        return None


def text(fields: Mapping[str, Json]) -> str:
    """The drop-in's text."""
    return f"{MARK}\n{yaml.safe_dump({**HEADER, **fields})}"


def parse_fields(content: str) -> dict[str, Json]:
    """The fields in a drop-in; none in one that is no mapping."""
    try:
        found: Any = yaml.safe_load(content)
    except yaml.YAMLError:
        return {}
    return {key: one for key, one in found.items() if key not in HEADER} if isinstance(found, dict) else {}
