"""What the configuration says of a machine, as the properties of its resources; pure."""

from __future__ import annotations

from typing import Any

from components import backup, shutdown, system_properties
from components.certificate_properties import kubelet_config
from components.sources import Source
from config import EtcdMember, LoadBalancer, Machine, Node, Rack
from config.scalars import is_address
from providers.software.kubelet_config import DIRECTORY

Properties = dict[str, Any]


def system(rack: Rack, machine: Machine) -> Properties:
    """Name, hosts, clock, what the system is to be like, and the user's files and units."""
    properties: Properties = {
        "hostname": machine.hostname,
        "hosts": hosts(rack, machine),
        "clock": {"ntp": list(machine.clock.ntp), "synchronized": machine.clock.wait},
        **system_properties.settings(machine),
    }
    if isinstance(machine, Node) and machine.unmanaged_interfaces:
        properties["unmanaged_interfaces"] = list(machine.unmanaged_interfaces)
    own_files = {path: one.model_dump(mode="json") for path, one in machine.files.items()}
    own_units = {name: one.model_dump(mode="json", exclude_none=True) for name, one in machine.units.items()}
    files, units = {**shutdown.files(machine), **own_files}, {**shutdown.units(machine), **own_units}
    return {**properties, **({"files": files} if files else {}), **({"units": units} if units else {})}


def network(machine: Machine) -> Properties:
    """The machine's own network, where the configuration keeps it static."""
    if machine.network is None or machine.subnet is None:
        return {}
    one = machine.network.model_dump(mode="json", exclude_none=True)
    prefix = str(machine.subnet).partition("/")[2]
    return {"network": {**one, "address": f"{machine.address}/{prefix}"}}


def hosts(rack: Rack, machine: Machine) -> dict[str, list[str]]:
    """The names a machine knows without DNS: its own, its zone's load balancers' and endpoint's, or all.

    As a rule other nodes are left out, so that a joining or leaving one changes nothing here. In a zone
    the cluster's own endpoint means the zone's: kube-proxy and `kubeadm join` know the former alone.
    """
    zone = rack.zone(rack.zone_of(machine))
    needed = [*rack.balancers_of(rack.zone_of(machine)), machine]
    listed = rack.machines() if machine.hosts == "rack" else needed
    known = {str(one.address): [one.hostname] for one in listed}
    if zone.endpoint_address:
        names = dict.fromkeys((str(zone.endpoint), str(rack.cluster.endpoint)))
        known.setdefault(zone.endpoint_address, []).extend(name for name in names if not is_address(name))
    return {address: found for address, found in known.items() if found}


def sources(machine: Machine, source: Source) -> Properties:
    """Where packages come from, for all resources that install some; nothing on a machine without such."""
    if not _installs(machine):
        return {}
    repositories = {**source.repositories(machine), **extra_repositories(machine)}
    return {**source.debs(), **({"repositories": repositories} if repositories else {})}


def _installs(machine: Machine) -> bool:
    part_of_the_cluster = isinstance(machine, LoadBalancer | Node | EtcdMember)
    return part_of_the_cluster or bool(machine.packages or _clients(machine))


def further_software(machine: Machine) -> Properties:
    """The user's packages on a machine that is no part of the cluster; nothing where there are none."""
    wanted = extra_packages(machine)
    return {"packages": wanted} if wanted else {}


def extra_packages(machine: Machine) -> Properties:
    """The user's own packages, but for those that mounting needs before."""
    others = {name: one for name, one in machine.package_versions.items() if name not in _clients(machine)}
    return {name: {"version": version, "hold": False} for name, version in others.items()}


def extra_repositories(machine: Machine) -> Properties:
    """The user's own repositories."""
    return {name: one.property() for name, one in machine.software.repositories.items()}


def upgrade(machine: Machine) -> Properties:
    """An upgrade of the whole machine, where one is asked for."""
    wanted = machine.software.upgrade
    return {"upgrade": wanted.model_dump(mode="json")} if wanted else {}


def boot(machine: Machine, *, node: bool) -> Properties:
    """The kernel's command line and, for a node, the memory controller; nothing where nothing is wanted."""
    words = dict.fromkeys(machine.boot.present, "present")
    words |= dict.fromkeys(machine.boot.absent, "absent")
    wanted: Properties = {"words": words} if words else {}
    if node and machine.boot.memory_cgroup:
        wanted["memory_cgroup"] = "on"
    return {**wanted, "reboot": machine.boot.reboot} if wanted else {}


def kernel(machine: Machine, *, node: bool) -> Properties:
    """How it starts, modules, sysctl and, for a node, no swap."""
    properties: Properties = {
        "boot": boot(machine, node=node),
        "modules": list(machine.modules),
        "sysctl": {key: str(value) for key, value in machine.sysctl.items()},
    }
    if node and machine.swap == "off":
        properties["swap"] = "off"
    return {name: value for name, value in properties.items() if value}


def storage(machine: Machine) -> Properties:
    """Mounts, with the clients they need, and directories that live elsewhere; nothing where nothing is wanted."""
    mounts = {
        point: {
            "source": one.source,
            "type": "nfs" if one.type == "auto" and ":/" in one.source else one.type,
            "options": one.options,
            "pass": one.fsck,
        }
        for point, one in machine.storage.mounts.items()
    }
    versions = machine.package_versions
    clients = {name: {"version": versions.get(name, ""), "hold": False} for name in _clients(machine)}
    properties = {"packages": clients, "mounts": mounts, "binds": dict(machine.storage.binds)}
    return {name: value for name, value in properties.items() if value}


def _clients(machine: Machine) -> list[str]:
    """Packages that let a machine mount what servers offer."""
    nfs = ["nfs-common"] if machine.storage.nfs_client else []
    return nfs + (["ceph-common", "rbd-nbd"] if machine.storage.ceph_client else [])


def software(rack: Rack, node: Node, source: Source) -> Properties:
    """Packages, container runtime, images and kubelet of a node."""
    wanted = {**source.node_packages(node), **extra_packages(node)}
    if node.is_control_plane and not rack.etcd_members:
        wanted = {**backup.packages(rack), **wanted}
    config = {**kubelet_config(rack), **rack.cluster.kubelet, **node.kubelet}
    docker = node.docker.options(node.containerd.sandbox_image)
    return {
        **source.artifacts(node),
        "packages": wanted,
        **upgrade(node),
        **({"docker": docker} if node.runtime == "docker" else {"containerd": node.containerd.options()}),
        **source.images(node),
        "kubelet": {
            "unit": source.kubelet_unit,
            "extra_args": {"node-ip": str(node.address), "config-dir": DIRECTORY},
        },
        "kubelet_config": config,
    }
