"""A member of an external etcd cluster: its static pod, the kubelet that runs it, and its place in the quorum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from providers.core import options
from providers.core.errors import Refused
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from providers.etcd import etcd_joining, etcd_leaving, etcd_machine, etcd_manifest
from providers.etcd.etcdctl import HEALTH, HEALTHY, MANIFEST
from providers.software.kubelet import UNIT

DIFFERS = "(differs)"
WELL: Mapping[str, str] = {"content": "", "unit": "standalone", "kubelet": "active", "health": HEALTHY}
"""What besides the wanted is observed, and how it shall be; in the property only what is amiss appears."""
FIXED = ("name", "address", "data_directory")
"""What a member cannot change where it is."""
_QUESTIONS: list[Argv] = [
    ("cat", MANIFEST),
    ("cat", etcd_machine.DROP_IN),
    ("systemctl", "is-active", UNIT),
    HEALTH,
]


@dataclass(frozen=True, kw_only=True)
class EtcdMemberState:
    """What the member is made of (None: no member), and what is amiss."""

    wanted: dict[str, Any] | None
    amiss: dict[str, str] = field(default_factory=dict)


class EtcdMember(Thing[EtcdMemberState]):
    """The machine as a member of etcd."""

    name = "etcd_member"

    def parse(self, value: Json) -> EtcdMemberState:
        """From {"name", "address", "image", "data_directory", "ca", "args"}, with what `render` adds."""
        if value == ABSENT:
            return EtcdMemberState(wanted=None)
        given = cast(dict[str, Any], options.whole(value))
        return EtcdMemberState(
            wanted={key: one for key, one in given.items() if key not in WELL},
            amiss={key: str(one) for key, one in given.items() if key in WELL},
        )

    def render(self, state: EtcdMemberState) -> Json:
        """To the same shape, with `content`, `unit`, `kubelet` and `health` where they are amiss."""
        return ABSENT if state.wanted is None else options.rendered({**state.wanted, **state.amiss})

    def questions(self, managed: EtcdMemberState) -> Sequence[Argv]:
        """The manifest, the kubelet's drop-in and unit, and whether etcd answers."""
        return _QUESTIONS

    def observe(self, site: Site, managed: EtcdMemberState) -> EtcdMemberState:
        """The member as its manifest and its health show it."""
        pod, drop_in, active, health = site.host.ask(_QUESTIONS)
        found = etcd_manifest.parse(pod.text) if pod.ok else None
        if not pod.ok:
            return EtcdMemberState(wanted=None)
        seen = {
            "content": "" if found and _settled(*found, pod.text) else DIFFERS,
            "unit": WELL["unit"] if drop_in.text == etcd_machine.DROP_IN_TEXT.rstrip() else DIFFERS,
            "kubelet": active.text or "not installed",
            "health": health.text or "unhealthy",
        }
        amiss = {key: one for key, one in seen.items() if one != WELL[key]}
        return EtcdMemberState(wanted=found[0] if found else managed.wanted, amiss=amiss)

    def plan(self, current: EtcdMemberState, desired: EtcdMemberState) -> list[Change]:
        """Join, or what of a member is amiss or asked for otherwise."""
        if desired.wanted is None:
            return []
        if current.wanted is None:
            return [Change(field="member", was=None, now=desired.wanted["name"])]
        return options.changes(current.wanted, desired.wanted) + [
            Change(field=key, was=was, now=WELL[key]) for key, was in sorted(current.amiss.items())
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: EtcdMemberState) -> None:
        """Join, start what does not run, and restart with other options while the others keep the quorum."""
        wanted = desired.wanted or {}
        fields = {change.field for change in changes}
        fixed = [change for change in changes if change.field in FIXED]
        if fixed:
            raise _refused(site, fixed[0])
        if fields <= {"member", "unit", "kubelet", "health"}:
            etcd_joining.become_member(site, wanted)
        else:
            etcd_joining.restart(site, wanted)

    def remove(self, site: Site, managed: EtcdMemberState) -> None:
        """Leave the cluster by its rules, then give the machine back."""
        if managed.wanted is not None:
            etcd_leaving.leave(site, managed.wanted)

    def minus(self, old: EtcdMemberState, new: EtcdMemberState) -> EtcdMemberState | None:
        """A member has no parts."""
        return None


def _settled(wanted: Mapping[str, Any], initial: Mapping[str, str], content: str) -> bool:
    """Whether a manifest is as written, and not that of a cluster which has yet to begin."""
    text = etcd_manifest.text(wanted, initial).rstrip()
    return initial[etcd_manifest.STATE] != etcd_manifest.NEW and text == content


def _refused(site: Site, change: Change) -> Refused:
    return Refused(
        host=str(site.host),
        item=f"etcd {change.field}",
        expected=f"{change.now!r} as configured",
        found=f"a member made with {change.was!r}",
        next_step=f"take {site.host.name} out of etcd_members, pulumi up, put it back, pulumi up",
    )
