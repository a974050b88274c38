"""The rules for one machine: what its facts must be for what the rack makes of it; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from config import EtcdMember, LoadBalancer, Machine, Node, Rack, versions
from providers.facts.machine import Facts
from providers.preflight.finding import ERROR, WARNING, Finding, on
from providers.preflight.rules_disk import DISK_RULES, holds_etcd

Rule = Callable[[Rack, Machine, Facts], Iterator[Finding]]
LEAST_MEMORY = 896
"""MiB with which a worker has been seen to run: a board of 1 GB less what its firmware takes."""
CONTROL_PLANE_MEMORY = 1700
"""MiB that kubeadm asks for (ControlPlaneMem in cmd/kubeadm/app/constants/constants.go)."""
NFTABLES_KERNEL = "5.13"
"""kubernetes.io, "Virtual IPs and Service Proxies": nftables mode."""
REFUSES_CGROUP_1 = "1.35"
"""First minor whose kubelet has failCgroupV1 on."""
_KUBELET = {10250: "kubelet"}
_ETCD = {2379: "etcd", 2380: "etcd"}
_CONTROL_PLANE = {
    6443: "kube-apiserver",
    10257: "kube-controller",  # as the kernel cuts kube-controller-manager
    10259: "kube-scheduler",
}
"""The ports that kubeadm's preflight looks at, and whose they are."""


def architecture(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """The userland is what the stack file says; 32-bit ones cannot be nodes."""
    found, wanted = facts.architecture, machine.architecture
    if found == wanted or not found:
        return
    said, cure = found, f"set architecture of {machine.name} in the stack file, or flash another image"
    if found == "armhf" and facts.kernel_architecture == "arm64":
        said, cure = "a 32-bit userland (armhf) under a 64-bit kernel", "flash the 64-bit image (arm64)"
    elif isinstance(machine, Node) and found in ("armhf", "armv6"):
        last = "never ran there" if found == "armv6" else f"ended there with {versions.LAST_ARMV7}"
        cure = f"make it a load balancer, or use another board: Kubernetes {last}"
    yield on(machine, ERROR, "architecture", expected=wanted, found=said, cure=cure)


def address(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """The machine has the address that the stack file gives it; one that is reached by another may get it yet."""
    if str(machine.address) in facts.addresses or not facts.addresses or machine.network:
        return
    level = ERROR if machine.connection.address == machine.address else WARNING
    has = ", ".join(one for one in facts.addresses if not one.startswith("127.")) or "none"
    cure = f"correct address of {machine.name} in the stack file, or give the machine that address"
    yield on(machine, level, "address", expected=str(machine.address), found=has, cure=cure)


def kernel(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """New enough for kube-proxy's mode."""
    if not isinstance(machine, Node) or rack.cluster.kube_proxy.mode != "nftables":
        return
    if versions.number(facts.kernel)[:2] < versions.number(NFTABLES_KERNEL):
        cure = "upgrade the system, or kube_proxy: {mode: iptables} in the stack file"
        expected = f"{NFTABLES_KERNEL} or later for nftables"
        yield on(machine, ERROR, "kernel", expected=expected, found=facts.kernel, cure=cure)


def cgroup(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Version 2 where the kubelet insists, and a memory controller."""
    if not isinstance(machine, Node | EtcdMember):
        return
    refused = versions.number(rack.cluster.minor) >= versions.number(REFUSES_CGROUP_1)
    if facts.cgroup == 1 and refused and machine.kubelet.get("failCgroupV1") is not False:
        cure = "boot with systemd.unified_cgroup_hierarchy=1, or kubelet: {failCgroupV1: false}"
        yield on(machine, ERROR, "cgroup", expected=f"v2 for {rack.cluster.minor}", found="v1", cure=cure)
    mended = machine.boot.memory_cgroup and machine.boot.reboot
    if facts.cgroup and not facts.memory_controller and not mended:
        cure = "boot: {memory_cgroup: true, reboot: true} in the stack file"
        yield on(machine, ERROR, "cgroup", expected="a memory controller", found="none", cure=cure)


def modules(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """What the pods' network needs of the kernel can be loaded."""
    if not isinstance(machine, Node):
        return
    unused = set() if rack.network.backend == "vxlan" else {"vxlan"}
    wanted = {name: how for name, how in facts.modules.items() if name not in unused}
    missing = [name for name, how in wanted.items() if how == "missing"]
    unknown = [name for name, how in wanted.items() if how == "unknown"]
    if missing:
        cure = "install the kernel's other modules (Ubuntu: linux-modules-extra-raspi), or another kernel"
        yield on(
            machine, ERROR, "modules", expected=", ".join(missing), found="none that can be loaded", cure=cure
        )
    if unknown and not facts.container:
        found = f"no /lib/modules/{facts.kernel}"
        cure = "reboot into the kernel that is installed"
        yield on(machine, WARNING, "modules", expected=", ".join(unknown), found=found, cure=cure)


def memory(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Enough for the role."""
    if not isinstance(machine, Node) or not facts.memory:
        return
    found, role = facts.memory // 1024, "control plane" if machine.is_control_plane else "worker"
    least = CONTROL_PLANE_MEMORY if machine.is_control_plane else LEAST_MEMORY
    if found >= least:
        return
    ignored = {"mem", "all"} & {one.lower() for one in rack.cluster.ignore_preflight_errors}
    level = WARNING if ignored and found >= LEAST_MEMORY else ERROR
    cure = "give this role to a board with more"
    if machine.is_control_plane and found >= LEAST_MEMORY:
        cure += ", or cluster: {ignore_preflight_errors: [Mem]}"
    yield on(machine, level, "memory", expected=f"{least} MiB for a {role}", found=f"{found} MiB", cure=cure)


def swap(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """What is to be turned off can be."""
    if machine.swap != "off" or not facts.swaps:
        return
    names = ", ".join(one.name for one in facts.swaps)
    if facts.container:
        cure = "swapoff on the host; or swap: keep, with failSwapOn: false for the kubelet"
        yield on(machine, ERROR, "swap", expected="swap of its own", found=f"the host's ({names})", cure=cure)
    elif facts.swap_used > facts.memory_free:
        found = f"{facts.swap_used // 1024} MiB of {names} in use, {facts.memory_free // 1024} MiB free"
        cure = "end what fills the memory: ps -eo rss,comm --sort -rss | head"
        yield on(
            machine, ERROR, "swap", expected="room in memory for what is swapped out", found=found, cure=cure
        )


def power(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Enough voltage: boards that lack it lose cards and reboot."""
    if facts.under_voltage:
        cure = "a stronger power supply, a shorter cable, fewer USB disks; then: vcgencmd get_throttled"
        yield on(
            machine,
            WARNING,
            "power",
            expected="enough voltage",
            found=f"too little {facts.under_voltage}",
            cure=cure,
        )


def page_size(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """4 KiB pages: images with jemalloc and some databases fail with others."""
    if isinstance(machine, Node) and facts.page_size > 4096:
        cure = "on a Raspberry Pi 5: kernel=kernel8.img in config.txt, and a reboot"
        yield on(
            machine, WARNING, "page size", expected="4 KiB", found=f"{facts.page_size // 1024} KiB", cure=cure
        )


def ports(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Free, or used by what an earlier run of ours started there."""
    owners = dict.fromkeys(_of_haproxy(rack, machine), "haproxy")
    if isinstance(machine, Node):
        owners |= {**_KUBELET, **(_CONTROL_PLANE if machine.is_control_plane else {})}
    if isinstance(machine, EtcdMember):
        owners = dict(_KUBELET)
    owners |= _ETCD if holds_etcd(rack, machine) else {}
    taken = {port: facts.listening[port] for port in owners if port in facts.listening}
    foreign = {port: name for port, name in taken.items() if not facts.managed or name != owners[port]}
    if foreign:
        found = ", ".join(f"{port} in use by {name}" for port, name in sorted(foreign.items()))
        expected = f"{', '.join(str(port) for port in sorted(foreign))} free"
        cure = "see what it is: ss -ltnp; of another cluster: kubeadm reset, k3s-uninstall.sh"
        yield on(machine, ERROR, "ports", expected=expected, found=found, cure=cure)


def _of_haproxy(rack: Rack, machine: Machine) -> Iterator[int]:
    """The ports of a load balancer, and of a control plane with HAProxy beside its API server."""
    vip = rack.cluster.vip
    if vip and vip.on == "control-planes" and isinstance(machine, Node) and machine.is_control_plane:
        yield rack.cluster.endpoint_port
    if isinstance(machine, LoadBalancer):
        zone = rack.zone(machine.zone)
        yield from (zone.endpoint_port, rack.cluster.endpoint_port)
        yield from (one.port for one in zone.forward.values())


def resolver(rack: Rack, machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Name servers that pods can ask too, and that answer; those of the stack file are yet to come."""
    if machine.network and machine.network.dns and not facts.managed:
        return
    usable = [one for one in facts.nameservers if not _loops(one)]
    behind = [one for one in facts.upstreams if not _loops(one)]
    cure = "name servers in the machine's network settings; then: getent hosts example.com"
    if not usable and not behind:
        found = ", ".join(facts.nameservers) or "none"
        yield on(
            machine, WARNING, "resolver", expected="a name server that pods can ask", found=found, cure=cure
        )
    elif facts.resolves is False:
        asked = ", ".join([*usable, *behind])
        yield on(
            machine,
            WARNING,
            "resolver",
            expected="an answer for names",
            found=f"none from {asked}",
            cure=cure,
        )


def clock(rack: Rack, machine: Machine, offset: float) -> Iterator[Finding]:
    """In step with ours: no certificate is valid otherwise. A warning, as NTP may mend it."""
    if abs(offset) > rack.preflight.clock_tolerance:
        found = f"{abs(offset):.0f} s {'ahead' if offset > 0 else 'behind'}"
        cure = "timedatectl on the machine and on this computer; clock: {ntp: [...]} in the stack file"
        yield on(machine, WARNING, "clock", expected="the same time as here", found=found, cure=cure)


def _loops(server: str) -> bool:
    return server.startswith("127.") or server == "::1"


RULES: tuple[Rule, ...] = (
    architecture,
    address,
    kernel,
    cgroup,
    modules,
    memory,
    swap,
    power,
    page_size,
    ports,
    resolver,
    *DISK_RULES,
)
