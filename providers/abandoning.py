"""A machine that cannot be given back: what its user is told, and the cluster once it is given up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.core.errors import (
    CredentialsRefused,
    HostError,
    HostKeyChanged,
    HostKeyUnknown,
    Refused,
    Unreachable,
)
from providers.core.thing import Rack
from providers.etcd import etcd_leaving
from providers.membership import leaving

SILENT = (Unreachable, CredentialsRefused, HostKeyChanged, HostKeyUnknown)
"""What says that a machine does not answer, or not to us."""


def abandon(kind: str, rack: Rack, props: Mapping[str, Any]) -> None:
    """Take a machine that will not come back out of the cluster, and out of its etcd."""
    machine = str(props["machine"])
    if kind == "Membership":
        joined = props["kubeadm"]  # ABSENT, where an empty board has taken its place
        node = joined.get("node_name", machine) if isinstance(joined, Mapping) else machine
        leaving.abandon(rack, machine, str(node))
    elif kind == "Etcd":
        etcd_leaving.abandon(rack, machine, props["etcd_member"])


def lost(machine: str, error: HostError) -> Refused:
    """The error of a delete on a machine that does not let us in."""
    return Refused(
        host=error.host,
        item="giving the machine back",
        expected="a machine that answers, and lets in whom the last run knew",
        found=error.found,
        next_step=(
            f"{error.next_step}; if the stack file names another way in since: this command with --run-program; "
            f"if the machine is gone for good: {leaving.ABANDON}={machine} and this command"
        ),
    )
