"""What is said to the rest of the cluster of a machine that the user gave up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.core.thing import Rack
from providers.etcd import etcd_leaving
from providers.membership import leaving


def abandon(kind: str, rack: Rack, props: Mapping[str, Any]) -> None:
    """Take a machine that will not come back out of the cluster, and out of its etcd."""
    machine = str(props["machine"])
    if kind == "Membership":
        joined = props["kubeadm"]  # ABSENT, where an empty board has taken its place
        node = joined.get("node_name", machine) if isinstance(joined, Mapping) else machine
        leaving.abandon(rack, machine, str(node))
    elif kind == "Etcd":
        etcd_leaving.abandon(rack, machine, props["etcd_member"])
