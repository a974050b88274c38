"""Rules about etcd and the other parts of a control plane."""

from __future__ import annotations

import re

from config.cluster import Cluster
from config.control_plane import OWNED, Component
from config.draft import Draft
from config.etcd import ELECTION, HEARTBEAT, TYPED, Etcd
from config.problems import Path, show

_ETCD: Path = ("cluster", "etcd")
_OF_A_MEMBER = ("name", "cert-file", "key-file", "trusted-ca-file", "client-cert-auth")
_ABOUT_MEMBERS = ("listen-client-", "listen-peer-", "advertise-", "initial-", "peer-", "discovery")
_DURATION = r"([0-9]+(\.[0-9]+)?(h|m|s|ms))+|[0-9]+"


def _etcd(draft: Draft) -> None:
    """etcd starts only when its times fit each other, and an argument is said once."""
    if draft.cluster is None:
        return
    etcd = draft.cluster.etcd
    _times(draft, etcd)
    _retention(draft, etcd)
    for name in etcd.extra_args:
        if name in TYPED:
            _report_argument(draft, (*_ETCD, "extra_args", name), name, f"Write cluster.etcd.{TYPED[name]}.")
        elif name in _OF_A_MEMBER or name.startswith(_ABOUT_MEMBERS):
            suggestion = "Leave it out: kubeadm sets it for each member."
            _report_argument(draft, (*_ETCD, "extra_args", name), name, suggestion)


def _times(draft: Draft, etcd: Etcd) -> None:
    heartbeat = etcd.heartbeat_interval or HEARTBEAT
    election = etcd.election_timeout or ELECTION
    if election >= 5 * heartbeat:
        return
    key = "election_timeout" if etcd.election_timeout else "heartbeat_interval"
    draft.report(
        (*_ETCD, key),
        expected="an election_timeout of at least five times the heartbeat_interval",
        found=f"{election} ms and {heartbeat} ms",
        suggestion=f"Write election_timeout: {10 * heartbeat} (ten heartbeats).",
    )


def _retention(draft: Draft, etcd: Etcd) -> None:
    retention, path = etcd.compaction_retention, (*_ETCD, "compaction_retention")
    if retention is None:
        if etcd.compaction_mode is not None:
            suggestion = "Write for example compaction_retention: 8h, or 1000 in mode revision."
            draft.report(path, expected="with a compaction_mode", found="none", suggestion=suggestion)
    elif etcd.compaction_mode == "revision" and not retention.isdecimal():
        suggestion = "Write for example 1000, or compaction_mode: periodic."
        draft.report(path, expected="a number of revisions", found=show(retention), suggestion=suggestion)
    elif not re.fullmatch(_DURATION, retention):
        suggestion = "Write for example 8h or 30m."
        draft.report(path, expected="a duration", found=show(retention), suggestion=suggestion)


def _components(draft: Draft) -> None:
    """What is set in another way is not set again beside it."""
    for key, component in _listed(draft.cluster):
        for name in component.extra_args:
            path: Path = ("cluster", key, "extra_args", name)
            if name.startswith("-"):
                _report_argument(draft, path, name, f"Write {name.lstrip('-')}.")
            elif name in OWNED[key]:
                _report_argument(draft, path, name, OWNED[key][name])


def _listed(cluster: Cluster | None) -> list[tuple[str, Component]]:
    if cluster is None:
        return []
    return [
        ("api_server", cluster.api_server),
        ("controller_manager", cluster.controller_manager),
        ("scheduler", cluster.scheduler),
    ]


def _report_argument(draft: Draft, path: Path, name: str, suggestion: str) -> None:
    draft.report(path, expected="an argument that nothing else sets", found=show(name), suggestion=suggestion)


CONTROL_PLANE_RULES = (_etcd, _components)
"""All rules about the parts of control planes."""
