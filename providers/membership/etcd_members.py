"""The members of etcd as etcd itself knows them, and whether one of them may go."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from providers.core.errors import Refused, TooSlow, Unobservable
from providers.membership.admin import Admin

_PKI = "/etc/kubernetes/pki/etcd"
_ETCDCTL = (
    "etcdctl",
    "--command-timeout=10s",
    f"--cacert={_PKI}/ca.crt",
    f"--cert={_PKI}/server.crt",
    f"--key={_PKI}/server.key",
)
_HERE = "https://127.0.0.1:2379"


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member; healthy when it answers and knows a leader."""

    name: str
    identifier: int
    peers: tuple[str, ...]
    clients: tuple[str, ...]
    learner: bool
    healthy: bool
    leader: bool

    def is_of(self, node: str, address: str = "") -> bool:
        """Whether it is the node's: by its name, or, where it never started and has none, by its address."""
        urls = [url.rpartition(":")[0].rpartition("/")[2] for url in self.peers]
        return self.name == node or bool(address and not self.name and address in urls)


class Etcd:
    """etcdctl, in the pod of one member, which has `listed` all members as JSON."""

    def __init__(self, admin: Admin, pod: str, listed: str) -> None:
        self._admin, self._pod, self._listed = admin, pod, listed

    def knows(self, node: str, address: str = "") -> bool:
        """Whether a member is the node's, or is at the address without a name yet."""
        return any(member.is_of(node, address) for member in parse_members(self._listed, ""))

    def members(self) -> list[Member]:
        """All members, and how they are."""
        return parse_members(
            self._listed, _etcdctl(self._admin, self._pod, "endpoint", "status", "--cluster") or ""
        )

    def remove(self, member: Member) -> None:
        """Take a member out; a leader hands its office on first, so that no election is waited for."""
        if member.leader:
            self._hand_on(member)
        self._admin.kubectl(*_exec(self._pod), "member", "remove", f"{member.identifier:x}")

    def _hand_on(self, leader: Member) -> None:
        heirs = [one for one in self.members() if one.healthy and not one.learner and not one.leader]
        if heirs and leader.clients:
            words = ["move-leader", f"{heirs[0].identifier:x}"]
            # only a courtesy: without it the others elect one by themselves
            self._admin.kubectl(*_exec(self._pod, leader.clients[0]), *words, check=False)


def _etcdctl(admin: Admin, pod: str, *words: str) -> str | None:
    """The answer as JSON, or None without one, as from a board whose kubelet hangs."""
    try:
        done = admin.kubectl(*_exec(pod), *words, "-w", "json", check=False)
    except TooSlow:
        return None
    # with one endpoint silent, the status is 1 and the others' answers are there
    return done.text if done.text.startswith(("{", "[")) else None


def _exec(pod: str, endpoint: str = _HERE) -> list[str]:
    return ["exec", "-n", "kube-system", pod, "--", *_ETCDCTL, f"--endpoints={endpoint}"]


def parse_members(listed: str, status: str) -> list[Member]:
    """From `etcdctl member list` and `endpoint status --cluster`, both as JSON."""
    answers: dict[int, int] = {}
    for one in json.loads(status or "[]"):
        body = one.get("Status", {})
        answers[body.get("header", {}).get("member_id", 0)] = body.get("leader", 0)
    return [_member(one, answers) for one in json.loads(listed).get("members", [])]


def _member(one: Mapping[str, Any], leaders: Mapping[int, int]) -> Member:
    identifier = int(one["ID"])
    leader = leaders.get(identifier, 0)
    return Member(
        name=one.get("name", ""),
        identifier=identifier,
        peers=tuple(one.get("peerURLs", [])),
        clients=tuple(one.get("clientURLs", [])),
        learner=bool(one.get("isLearner", False)),
        healthy=leader != 0,
        leader=leader == identifier,
    )


def find_etcd(admin: Admin, *, without: str = "") -> Etcd | None:
    """etcd through the pod of a member, not the named node's; None where etcd is not the cluster's own.

    Raises Unobservable when no member answers, as when they have lost their quorum.
    """
    pods = admin.get("pods", "-n", "kube-system", "-l", "component=etcd")["items"]
    if not pods:
        return None
    # the pod of a node that is gone is listed for a while: one that is ready comes first
    others = sorted(
        (pod for pod in pods if pod["spec"].get("nodeName") != without), key=lambda pod: not _ready(pod)
    )
    for pod in others:
        name = str(pod["metadata"]["name"])
        if listed := _etcdctl(admin, name, "member", "list"):
            return Etcd(admin, name, listed)
    raise Unobservable(
        host=str(admin.host),
        item="etcd members",
        expected="a member that lists them (etcdctl member list)",
        found=f"none of {', '.join(str(pod['metadata']['name']) for pod in others) or 'no others'} answers",
        next_step="kubectl -n kube-system get pods -l component=etcd -o wide; kubectl logs of those that run",
    )


def _ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def voters(members: Sequence[Member], *, without: str) -> list[Member]:
    """The healthy members that vote, but for one."""
    return [one for one in members if one.healthy and not one.learner and one.name != without]


def check_quorum(members: Sequence[Member], node: str) -> None:
    """Refuse to take a node's member away when the rest would have no majority."""
    if not any(one.is_of(node) for one in members):
        return
    rest = [one.name for one in voters(members, without=node)]
    remaining = [one for one in members if not one.learner and one.name != node]
    needed = len(remaining) // 2 + 1
    if len(rest) < needed:
        raise Refused(
            host=node,
            item="etcd member",
            expected=f"{needed} other healthy members, the majority of the {len(remaining)} that would be left",
            found=f"{len(rest)} ({', '.join(rest) or 'none'})",
            next_step="mend the other control planes first: kubectl -n kube-system get pods -l component=etcd",
        )
