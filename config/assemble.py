"""A rack from a sound draft: what follows from other values is filled in, so consumers find it complete."""

from __future__ import annotations

from typing import Any, TypeVar

from config import versions
from config.balancing import Zone
from config.cluster import Cluster
from config.containerd import Containerd
from config.draft import Draft
from config.external_etcd import EtcdMemberSettings
from config.machines import MachineSettings, NodeSettings, Taint
from config.merge import merged
from config.rack import CONTROL_PLANE_TAINT, EtcdMember, Further, LoadBalancer, Machine, Node, Rack
from config.scalars import is_address

M = TypeVar("M", bound=Machine)
Z = TypeVar("Z", Cluster, Zone)


def assemble(draft: Draft, stack: str) -> Rack:
    """The rack of a draft that has no problems."""
    cluster = draft.parts["cluster"]
    assert isinstance(cluster, Cluster)
    cluster = _located(cluster).model_copy(update={"name": cluster.name or stack})
    nodes = {name: _node(name, one, cluster, stack) for name, one in draft.nodes.items()}
    balancers = {name: _machine(LoadBalancer, name, one, stack) for name, one in draft.load_balancers.items()}
    members = {name: _etcd_member(name, one, cluster, stack) for name, one in draft.etcd_members.items()}
    further = {name: _machine(Further, name, one, stack) for name, one in draft.further.items()}
    # The parts were checked as what they are; construct does not check them again.
    others: dict[str, Any] = {**draft.parts}
    del others["cluster"], others["defaults"]
    return Rack.model_construct(
        **{"artifacts": None, "backup": None, **others},
        stack=stack,
        cluster=cluster,
        zones={name: _located(zone) for name, zone in draft.zones.items()},
        nodes=nodes,
        load_balancers=balancers,
        etcd_members=members,
        further=further,
    )


def _machine(model: type[M], name: str, settings: MachineSettings, stack: str, **more: Any) -> M:
    connection = settings.connection
    reached = {
        "address": connection.address or settings.address,
        "known_hosts": connection.known_hosts or f"known_hosts.{stack}",
    }
    derived = {
        "name": name,
        "hostname": settings.hostname or name,
        "connection": connection.model_copy(update=reached),
    }
    return model.model_construct(**{**dict(settings), **derived, **more})


def _etcd_member(name: str, settings: EtcdMemberSettings, cluster: Cluster, stack: str) -> EtcdMember:
    kubelet = merged(cluster.kubelet, settings.kubelet)
    return _machine(
        EtcdMember, name, settings, stack, kubelet=kubelet, containerd=_runtime(settings, cluster)
    )


def _runtime(settings: NodeSettings | EtcdMemberSettings, cluster: Cluster) -> Containerd:
    image = settings.containerd.sandbox_image or versions.sandbox_image(cluster.kubernetes)
    return settings.containerd.model_copy(update={"sandbox_image": image})


def _located(zone: Z) -> Z:
    """The same with the virtual address behind the endpoint's name; an endpoint that is an address needs none."""
    if zone.vip is None or is_address(zone.endpoint):
        return zone
    return zone.model_copy(update={"endpoint_address": zone.vip.address})


def _node(name: str, settings: NodeSettings, cluster: Cluster, stack: str) -> Node:
    return _machine(
        Node,
        name,
        settings,
        stack,
        labels=_labels(settings),
        taints=_taints(settings, cluster),
        kubelet=merged(cluster.kubelet, settings.kubelet),
        containerd=_runtime(settings, cluster),
    )


def _labels(settings: NodeSettings) -> dict[str, str]:
    roles = (role for role in settings.roles if role != Node.CONTROL_PLANE)
    return {**{f"node-role.kubernetes.io/{role}": "true" for role in roles}, **settings.labels}


def _taints(settings: NodeSettings, cluster: Cluster) -> tuple[Taint, ...]:
    control_plane = set(settings.roles) == {Node.CONTROL_PLANE}
    known = {(taint.key, taint.effect) for taint in settings.taints}
    given = (CONTROL_PLANE_TAINT.key, CONTROL_PLANE_TAINT.effect) in known
    tainted = control_plane and not cluster.schedulable_control_planes and not given
    return (*([CONTROL_PLANE_TAINT] if tainted else []), *settings.taints)
