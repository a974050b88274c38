"""What the cluster still knows of a node that is gone: its etcd member and its Node object."""

from __future__ import annotations

from providers.membership.admin import Admin
from providers.membership.etcd_members import find_etcd


def forget_member(admin: Admin, node: str, address: str = "") -> None:
    """Remove the etcd member of a node, where there is one."""
    etcd = find_etcd(admin, without=node)
    # how the members are costs another process in a pod: it is asked only where one of them goes
    if not etcd or not etcd.knows(node, address):
        return
    for member in etcd.members():
        if member.is_of(node, address):
            etcd.remove(member)


def forget_object(admin: Admin, node: str) -> None:
    """Remove the Node object, where there is one."""
    admin.kubectl("delete", "node", node, "--ignore-not-found", "--wait=false")
