"""Membership in the cluster: kubeadm init, join and reset, told apart on the machines, not by position."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from providers.control_plane import live_settings, reconfiguring
from providers.control_plane.manifests import MANIFESTS, SAVED
from providers.control_plane.reconfiguring import MEMBERSHIP
from providers.core.errors import Refused
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from providers.membership import draining, joining, leaving, relocating
from providers.membership.admin import find_admin
from providers.membership.draining import CORDONED
from providers.membership.handing_over import DEPARTING
from providers.software.runtime import SOCKETS

INTACT = "intact"
CLOSED = "cordoned by a restart that was interrupted"
FIXED = (
    "role",
    "version",
    "endpoint",
    "address",
    "node_name",
    "cri_socket",
)
"""What a member cannot change by itself: `kubeadm` has no way, or it is an upgrade."""
_RECORDED = (*FIXED, *live_settings.CHANGEABLE, live_settings.UNFINISHED)

_OBSERVE = (
    f"[ -e /etc/kubernetes/kubelet.conf ] && [ -e {MEMBERSHIP} ] && [ ! -e {DEPARTING} ] || exit 0; "
    f"cat {MEMBERSHIP}; echo; systemctl is-active kubelet; [ ! -e {CORDONED} ] || echo {CLOSED}; "
    f"cd {SAVED} 2>/dev/null || exit 0; for file in *.yaml; do "
    f'[ -e "$file" ] || continue; if cmp -s "$file" "{MANIFESTS}/$file"; then echo "{INTACT} $file"; '
    f'elif [ -e "{MANIFESTS}/$file" ]; then echo "differs $file"; else echo "{ABSENT} $file"; fi; done; exit 0'
)
_ASK: Argv = ("sh", "-c", _OBSERVE, "kubeadm")
_REMEMBER = (
    f"set -eu; umask 077; mkdir -p {SAVED}; cp {MANIFESTS}/*.yaml {SAVED}/ 2>/dev/null || true; "
    f"cat > {MEMBERSHIP}.new; sync; mv {MEMBERSHIP}.new {MEMBERSHIP}; sync"
)
_MEND = f'set -eu; cp "{SAVED}/$1" "/etc/kubernetes/.$1"; mv "/etc/kubernetes/.$1" "{MANIFESTS}/$1"'


@dataclass(frozen=True, kw_only=True)
class KubeadmState:
    """What a member joined with (None: no member), its static pods' manifests, and its kubelet."""

    joined: dict[str, Any] | None
    kubelet: str = "active"
    closed: bool = False
    """Whether a restart that was cut short has left it cordoned."""
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
        closed = wanted.pop("pods", "") == CLOSED
        manifests = wanted.pop("manifests", {})
        return KubeadmState(
            joined=live_settings.normal(_whole(wanted)), kubelet=kubelet, closed=closed, manifests=manifests
        )

    def render(self, state: KubeadmState) -> Json:
        """To the membership, with `kubelet`, `pods` and `manifests` only where they are not as they should be."""
        if state.joined is None:
            return ABSENT
        amiss = {name: found for name, found in state.manifests.items() if found != INTACT}
        shown: dict[str, Any] = dict(state.joined)
        if state.kubelet != "active":
            shown["kubelet"] = state.kubelet
        if state.closed:
            shown["pods"] = CLOSED
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
        # only what is recorded of a member can differ; the rest steers a join to come
        joined = {
            **{
                key: one for key, one in (managed.joined or {}).items() if key not in live_settings.CHANGEABLE
            },
            **{key: found.joined.get(key) for key in _RECORDED if key in found.joined},
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
        changes += live_settings.differences(current.joined, desired.joined)
        if current.kubelet != desired.kubelet:
            changes.append(Change(field="kubelet", was=current.kubelet, now=desired.kubelet))
        if current.closed and not desired.closed:
            changes.append(Change(field="pods", was=CLOSED, now="allowed"))
        return changes + [
            Change(field=f"manifests.{name}", was=found, now=INTACT)
            for name, found in current.manifests.items()
            if found != desired.manifests.get(name, INTACT)
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: KubeadmState) -> None:
        """Init or join, or mend; refuse what kubeadm cannot change on a member."""
        wanted = desired.joined or {}
        fields = [change.field for change in changes]
        fixed = [change for change in changes if change.field in FIXED and change.field != "address"]
        if fixed:
            raise _refused(site, fixed[0])
        live_settings.refuse(site, changes)
        moves = "address" in fields and wanted.get("role") != "worker"
        if moves:
            (former,) = (change.was for change in changes if change.field == "address")
            relocating.leave_to_move(site, {**wanted, "address": former}, str(wanted["address"]))
        elif "address" in fields:
            # a worker's address is its kubelet's node-ip alone, and that has been changed before
            _remember(site, wanted)
        if moves or "member" in fields:
            joining.become_member(site, wanted)
            _remember(site, wanted)
            return
        _mend(site, fields)
        if "pods" in fields:
            draining.uncordon(site, find_admin(site.rack), str(wanted["node_name"]))
        if "kubelet" in fields:
            site.host.run(["systemctl", "restart", "kubelet"])
        if any(live_settings.reconfigures(field) for field in fields):
            reconfiguring.reconfigure(site, wanted, fields)
            _remember(site, wanted)

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
    pairs = (line.split(" ", 1) for line in lines[2:] if line != CLOSED)
    manifests = {name: found for found, name in pairs}
    return KubeadmState(
        joined=live_settings.normal(json.loads(lines[0])),
        kubelet=lines[1],
        closed=CLOSED in lines[2:],
        manifests=manifests,
    )


def _whole(value: Any) -> Any:
    """Integers again: Pulumi hands every number over as a float."""
    if isinstance(value, Mapping):
        return {key: _whole(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _mend(site: Site, fields: Sequence[str]) -> None:
    """Put manifests back as they were; kubeadm's own are written anew where settings change."""
    names = [field.removeprefix("manifests.") for field in fields if field.startswith("manifests.")]
    renewed = live_settings.COMPONENTS if reconfiguring.renews(fields) else ()
    for name in names:
        if name.removesuffix(".yaml") not in renewed:
            site.host.run(["sh", "-c", _MEND, "mend", name])


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
