"""A rack of boards, or any machines with SSH, as a highly available Kubernetes cluster."""

from __future__ import annotations

import asyncio
from importlib import import_module

import pulumi

from components import debug_messages
from components.addons import Addons
from components.authority import Authority
from components.cluster import Cluster
from components.configuration import load_rack
from components.etcd import ExternalEtcd
from components.kubernetes import cluster_provider
from components.load_balancer import LoadBalancer
from components.network import Network
from components.node import FurtherMachine, ReadyNode
from components.preflight import preflight
from components.readiness import Readiness
from components.sources import source_of
from providers import ending

debug_messages.only_if_asked_for()
ending.without_search()
rack = load_rack()
preflight(rack)


async def program() -> None:
    """The whole picture; the engine has the machines looked at while Python imports what it needs."""
    # of the SDK, which imports what is asked for, this part alone takes a second
    await asyncio.to_thread(import_module, "pulumi_kubernetes.core.v1")

    sources = {machine.architecture: source_of(rack, machine.architecture) for machine in rack.machines()}

    # Certificates first: they need no machine, and the kubeconfig follows from them.
    authority = Authority("authority", rack)

    # Every board side by side: what it is called, what its kernel allows, what it runs.
    load_balancers = [
        LoadBalancer(rack, name, sources[one.architecture]) for name, one in rack.load_balancers.items()
    ]
    for machine in rack.further.values():
        FurtherMachine(rack, machine, sources[machine.architecture])
    nodes = {name: ReadyNode(rack, node, sources[node.architecture]) for name, node in rack.nodes.items()}
    etcd = ExternalEtcd(rack, authority, sources)

    # kubeadm: control planes one at a time, workers as soon as the API answers.
    cluster = Cluster("cluster", rack, nodes, authority, load_balancers, etcd)

    # On the cluster, while nodes still join: the pod network makes them ready, the addons run on them.
    kubernetes = cluster_provider(rack, authority, cluster)
    network = Network("network", rack, kubernetes)
    addons = Addons("addons", rack, kubernetes)

    # The proof, on every node.
    Readiness("readiness", rack, [*cluster.memberships, network, addons])

    pulumi.export("kubeconfig", authority.kubeconfig)
    if rack.authority.kubeconfigs:
        pulumi.export("kubeconfigs", authority.kubeconfigs)
    pulumi.export("endpoint", f"https://{rack.cluster.endpoint}:{rack.cluster.endpoint_port}")
    pulumi.export("nodes", {name: str(node.address) for name, node in rack.nodes.items()})


pulumi.run(program)
