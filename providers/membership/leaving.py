"""How a member leaves: drained, its etcd member and Node object removed, the board reset.

A whole rack that is torn down knows no such rules: there is nothing left to protect.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from providers.core.errors import Refused, Unobservable
from providers.core.thing import Rack, Site
from providers.membership.admin import FORMED, Admin, find_admin, peers
from providers.membership.kubeadm_reset import reset

TEARDOWN = "HELICON_TEARDOWN"
"""Environment: set to 1, every delete is one of a teardown."""
ABANDON = "HELICON_ABANDON"
"""Environment: names of machines, separated by commas, that are gone for good."""
GRACE = 20.0
"""Seconds in which a teardown's first delete (the formation's) takes the mark off the control planes."""
DRAIN = 300.0


def abandoned(machine: str) -> bool:
    """Whether the user gave the machine up."""
    return machine in os.environ.get(ABANDON, "").replace(" ", "").split(",")


def leave(site: Site, joined: Mapping[str, Any]) -> None:
    """Leave the cluster, gently where it lives on, and reset the machine."""
    if not _teardown(site):
        depart(site.rack, site.host.name, str(joined.get("node_name", site.host.name)), site.say)
        reset(site)
        forget_node(site.rack, site.host.name, str(joined.get("node_name", site.host.name)))
    else:
        reset(site, teardown=True)
    site.host.run(["rm", "-f", FORMED])


def _teardown(site: Site) -> bool:
    """Whether the whole cluster goes, or never became ready.

    The mark on the control planes says that a cluster lives; the formation, which everything that
    is torn down waits for, takes it off. A machine that has left the configuration is never part
    of a teardown; one that is still in it may be deleted at the same time as the formation.
    """
    if os.environ.get(TEARDOWN) == "1":
        return True
    if not site.host.run(["test", "-e", "/etc/kubernetes/kubelet.conf"], check=False).ok:
        return True
    waits = GRACE if site.rack.configured(site.host.name) else 0.0
    deadline = time.monotonic() + waits
    while _formed(site):
        if time.monotonic() >= deadline:
            return False
        time.sleep(1)
    return True


def _formed(site: Site) -> bool:
    own = site.host.run(["test", "-e", FORMED], check=False).ok
    return own or any(peer.formed for peer in peers(site.rack, without=site.host.name))


def depart(rack: Rack, machine: str, node: str, say: Any = lambda line: None) -> None:
    """Check the quorum, then drain the node; raises Refused when the change would lose the quorum."""
    try:
        admin = find_admin(rack, without=machine)
    except Unobservable as error:
        raise _cannot_leave(machine, error) from None
    _check_quorum(admin, node)
    say("draining")
    words = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", f"--timeout={DRAIN:.0f}s"]
    if admin.kubectl("get", "node", node, check=False).ok:
        admin.kubectl("drain", node, *words, timeout=DRAIN + 30)


def _cannot_leave(machine: str, error: Unobservable) -> Refused:
    return Refused(
        host=machine,
        item="leaving the cluster",
        expected="another control plane to drain it and to remove it",
        found=error.found,
        next_step=f"bring a control plane up; or, if the whole rack goes: {TEARDOWN}=1 pulumi destroy",
    )


def _check_quorum(admin: Admin, node: str) -> None:
    """Refuse to take an etcd member away when the rest would have no majority."""
    pods = admin.get("pods", "-n", "kube-system", "-l", "component=etcd")["items"]
    members = {pod["spec"]["nodeName"]: _ready(pod) for pod in pods}
    if node not in members:
        return
    rest = [name for name, ready in members.items() if ready and name != node]
    needed = (len(members) - 1) // 2 + 1
    if len(rest) < needed:
        raise Refused(
            host=node,
            item="etcd member",
            expected=f"{needed} other healthy members",
            found=f"{len(rest)} ({', '.join(rest) or 'none'})",
            next_step="mend the other control planes first: kubectl -n kube-system get pods -l component=etcd",
        )


def _ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def forget_node(rack: Rack, machine: str, node: str) -> None:
    """Remove the Node object, and the etcd member where a dead board left one."""
    admin = find_admin(rack, without=machine)
    _remove_etcd_member(admin, node)
    admin.kubectl("delete", "node", node, "--ignore-not-found", "--wait=false")


def _remove_etcd_member(admin: Admin, node: str) -> None:
    pods = admin.get("pods", "-n", "kube-system", "-l", "component=etcd")["items"]
    healthy = [pod["metadata"]["name"] for pod in pods if _ready(pod) and pod["spec"]["nodeName"] != node]
    if not healthy or not any(pod["spec"]["nodeName"] == node for pod in pods):
        return
    pki = "/etc/kubernetes/pki/etcd"
    etcdctl = ["exec", "-n", "kube-system", healthy[0], "--", "etcdctl", "--endpoints=https://127.0.0.1:2379"]
    etcdctl += [f"--cacert={pki}/ca.crt", f"--cert={pki}/server.crt", f"--key={pki}/server.key"]
    listed = admin.kubectl(*etcdctl, "member", "list", check=False).text
    for line in listed.splitlines():
        identifier, _, rest = line.partition(", ")
        if f", {node}, " in f", {rest}":
            admin.kubectl(*etcdctl, "member", "remove", identifier)


def abandon(rack: Rack, machine: str, node: str) -> None:
    """Remove a board that will not come back from the cluster, if the cluster still answers."""
    try:
        forget_node(rack, machine, node)
    except Unobservable:
        return  # a cluster whose API does not answer has nothing to be removed from
