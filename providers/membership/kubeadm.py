"""Membership in the cluster: kubeadm init, join and reset, told apart on the machines, not by position."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from providers.core.errors import Refused
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from providers.membership import joining, leaving
from providers.software.runtime import SOCKETS

MEMBERSHIP = "/var/lib/helicon/membership.json"
"""What the machine joined with; written when kubeadm has succeeded."""
MANIFESTS = "/etc/kubernetes/manifests"
SAVED = "/var/lib/helicon/manifests"
INTACT = "intact"
FIXED = (
    "role",
    "version",
    "endpoint",
    "address",
    "node_name",
    "cluster",
    "kube_proxy_configuration",
    "cri_socket",
)
"""What a member cannot change by itself: `kubeadm` has no way, or it is an upgrade."""

_OBSERVE = (
    f"[ -e /etc/kubernetes/kubelet.conf ] && [ -e {MEMBERSHIP} ] || exit 0; cat {MEMBERSHIP}; echo; "
    f"systemctl is-active kubelet; cd {SAVED} 2>/dev/null || exit 0; for file in *.yaml; do "
    f'[ -e "$file" ] || continue; if cmp -s "$file" "{MANIFESTS}/$file"; then echo "{INTACT} $file"; '
    f'elif [ -e "{MANIFESTS}/$file" ]; then echo "differs $file"; else echo "{ABSENT} $file"; fi; done; exit 0'
)
_ASK: Argv = ("sh", "-c", _OBSERVE, "kubeadm")
_REMEMBER = (
    f"set -eu; umask 077; mkdir -p {SAVED}; cp {MANIFESTS}/*.yaml {SAVED}/ 2>/dev/null || true; "
    f"cat > {MEMBERSHIP}; sync"
)
_MEND = f'set -eu; cp "{SAVED}/$1" "/etc/kubernetes/.$1"; mv "/etc/kubernetes/.$1" "{MANIFESTS}/$1"'


@dataclass(frozen=True, kw_only=True)
class KubeadmState:
    """What a member joined with (None: no member), its static pods' manifests, and its kubelet."""

    joined: dict[str, Any] | None
    kubelet: str = "active"
    manifests: dict[str, str] = field(default_factory=dict)


class Kubeadm(Thing[KubeadmState]):
    """The machine as a control plane or a worker."""

    name = "kubeadm"

    def parse(self, value: Json) -> KubeadmState:
        """From the wanted membership, with what `render` adds when something is amiss."""
        if value == ABSENT:
            return KubeadmState(joined=None)
        wanted = dict(cast(dict[str, Any], value))
        kubelet = wanted.pop("kubelet", "active")
        manifests = wanted.pop("manifests", {})
        return KubeadmState(joined=_whole(wanted), kubelet=kubelet, manifests=manifests)

    def render(self, state: KubeadmState) -> Json:
        """To the membership, with `kubelet` and `manifests` only where they are not as they should be."""
        if state.joined is None:
            return ABSENT
        amiss = {name: found for name, found in state.manifests.items() if found != INTACT}
        shown: dict[str, Any] = dict(state.joined)
        if state.kubelet != "active":
            shown["kubelet"] = state.kubelet
        if amiss:
            shown["manifests"] = amiss
        return cast(Json, shown)

    def questions(self, managed: KubeadmState) -> Sequence[Argv]:
        """The record of the join, the kubelet's state and the manifests."""
        return [_ASK]

    def observe(self, site: Site, managed: KubeadmState) -> KubeadmState:
        """The membership as the machine has it."""
        (answer,) = site.host.ask([_ASK])
        found = parse_membership(answer.text)
        if found.joined is None:
            return found
        # only what is fixed by the join can differ; the rest steers a join to come
        joined = {
            **(managed.joined or {}),
            **{key: found.joined.get(key) for key in FIXED if key in found.joined},
        }
        if "cri_socket" not in found.joined and "cri_socket" in joined:
            joined["cri_socket"] = SOCKETS["containerd"]  # no other was there when it joined
        return replace(found, joined=joined)

    def plan(self, current: KubeadmState, desired: KubeadmState) -> list[Change]:
        """Join, or what of a membership is amiss or asked for otherwise."""
        if desired.joined is None:
            return []
        if current.joined is None:
            return [Change(field="member", was=None, now=desired.joined.get("role"))]
        changes = [
            Change(field=key, was=current.joined.get(key), now=value)
            for key, value in sorted(desired.joined.items())
            if key in FIXED and current.joined.get(key) != value
        ]
        if current.kubelet != desired.kubelet:
            changes.append(Change(field="kubelet", was=current.kubelet, now=desired.kubelet))
        return changes + [
            Change(field=f"manifests.{name}", was=found, now=INTACT)
            for name, found in current.manifests.items()
            if found != desired.manifests.get(name, INTACT)
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: KubeadmState) -> None:
        """Init or join, or mend; refuse what kubeadm cannot change on a member."""
        wanted = desired.joined or {}
        fields = [change.field for change in changes]
        # a worker's address is its kubelet's node-ip alone, and that has been changed before
        follows = ("address",) if wanted.get("role") == "worker" else ()
        fixed = [change for change in changes if change.field in FIXED and change.field not in follows]
        if fixed:
            raise _refused(site, fixed[0])
        if "address" in fields:
            _remember(site, wanted)
        if "member" in fields:
            joining.become_member(site, wanted)
            _remember(site, wanted)
        for name in (one.removeprefix("manifests.") for one in fields if one.startswith("manifests.")):
            site.host.run(["sh", "-c", _MEND, "mend", name])
        if "kubelet" in fields:
            site.host.run(["systemctl", "restart", "kubelet"])

    def remove(self, site: Site, managed: KubeadmState) -> None:
        """Leave the cluster by its rules, then reset the machine."""
        leaving.leave(site, managed.joined or {})

    def minus(self, old: KubeadmState, new: KubeadmState) -> KubeadmState | None:
        """A membership has no parts."""
        return None


def parse_membership(text: str) -> KubeadmState:
    """The state from the answer: JSON, the kubelet's state, then `<found> <manifest>` lines."""
    lines = text.splitlines()
    if not lines:
        return KubeadmState(joined=None)
    pairs = (line.split(" ", 1) for line in lines[2:])
    manifests = {name: found for found, name in pairs}
    return KubeadmState(joined=json.loads(lines[0]), kubelet=lines[1], manifests=manifests)


def _whole(value: Any) -> Any:
    """Integers again: Pulumi hands every number over as a float."""
    if isinstance(value, Mapping):
        return {key: _whole(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _remember(site: Site, wanted: Mapping[str, Any]) -> None:
    site.host.run(["sh", "-c", _REMEMBER, "remember"], stdin=json.dumps(wanted, sort_keys=True).encode())


def _refused(site: Site, change: Change) -> Refused:
    upgrade = change.field == "version"
    return Refused(
        host=str(site.host),
        item=f"kubeadm {change.field}",
        expected=f"{change.now!r} as configured",
        found=f"a member that joined with {change.was!r}",
        next_step="set the former version again: upgrades are not part of this program yet"
        if upgrade
        else f"take {site.host.name} out of the stack file, pulumi up, put it back, pulumi up",
    )
