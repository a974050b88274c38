"""etcd: how much it may hold, how patient it is, and what its pod is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from config.base import Part
from config.control_plane import Probes
from config.scalars import AbsolutePath, Scalar, matching

HEARTBEAT, ELECTION = 100, 1000
"""Milliseconds unless told otherwise (NewConfig in server/embed/config.go of etcd 3.6)."""
LONGEST_ELECTION = 50000
"""maxElectionMs, there."""
DATA_DIRECTORY = "/var/lib/etcd"
TYPED = {
    "quota-backend-bytes": "quota",
    "data-dir": "data_dir",
    "auto-compaction-mode": "compaction_mode",
    "auto-compaction-retention": "compaction_retention",
    "heartbeat-interval": "heartbeat_interval",
    "election-timeout": "election_timeout",
    "snapshot-count": "snapshot_count",
    "listen-metrics-urls": "metrics_address",
}
"""etcd's arguments and the options that stand for them."""

_QUANTITY = r"[1-9][0-9]*(Ki|Mi|Gi|k|M|G)?"
Memory = Annotated[
    str,
    matching(_QUANTITY, "an amount of memory", "Write for example 512Mi or 1Gi."),
    Field(json_schema_extra={"pattern": f"^{_QUANTITY}$", "examples": ["512Mi"]}),
]


class Etcd(Part):
    """The stacked etcd on the control planes."""

    quota: Annotated[int, Field(ge=16 * 1024**2, le=8 * 1024**3)] = 2 * 1024**3
    """Size of the database in bytes at which etcd stops to accept writes; etcd advises at most 8 GiB."""
    data_dir: AbsolutePath = DATA_DIRECTORY
    """Where the data is; a living cluster keeps its place, and storage.binds moves what is there."""
    compaction_mode: Literal["periodic", "revision"] | None = None
    """What compaction_retention counts: time, or revisions."""
    compaction_retention: Scalar | None = None
    """History that etcd keeps, for example 8h, or 1000 revisions; Kubernetes compacts every 5 minutes anyway."""
    heartbeat_interval: Annotated[int, Field(ge=1, le=LONGEST_ELECTION // 5)] | None = None
    """Milliseconds between the leader's heartbeats (100); on slow disks, more than a write takes."""
    election_timeout: Annotated[int, Field(ge=5, le=LONGEST_ELECTION)] | None = None
    """Milliseconds without a heartbeat until another leader is chosen (1000); at least five heartbeats."""
    snapshot_count: Annotated[int, Field(ge=1)] | None = None
    """Changes after which etcd writes a snapshot and drops its log (kubeadm: 10000); fewer need less memory."""
    metrics_address: Literal["127.0.0.1", "0.0.0.0"] = "127.0.0.1"
    """Where port 2381 serves metrics and health, without TLS: on the machine alone, or on all its addresses."""
    memory_limit: Memory | None = None
    """Memory at which etcd's container is killed: above the quota, or none."""
    memory_request: Memory | None = None
    """Memory that the scheduler reckons with (kubeadm: 100Mi)."""
    probes: Probes = Probes()
    """How patient the kubelet is with it."""
    extra_args: Mapping[str, Scalar] = {}
    """Further arguments of etcd, without the leading dashes."""

    def arguments(self) -> dict[str, str]:
        """etcd's arguments, but for those that kubeadm gives it anyway."""
        given = {
            "quota-backend-bytes": self.quota,
            "auto-compaction-mode": self.compaction_mode,
            "auto-compaction-retention": self.compaction_retention,
            "heartbeat-interval": self.heartbeat_interval,
            "election-timeout": self.election_timeout,
            "snapshot-count": self.snapshot_count,
            "listen-metrics-urls": None
            if self.metrics_address == "127.0.0.1"
            else f"http://{self.metrics_address}:2381",
        }
        known = {name: str(value) for name, value in given.items() if value is not None}
        return {**known, **self.extra_args}

    def container(self) -> dict[str, object]:
        """What its container has otherwise than kubeadm writes it."""
        limits = {"limits": {"memory": self.memory_limit}} if self.memory_limit else {}
        requests = {"requests": {"memory": self.memory_request}} if self.memory_request else {}
        resources = {"resources": {**limits, **requests}} if limits or requests else {}
        return {**resources, **self.probes.container()}
