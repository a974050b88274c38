"""Each rule, by an answer that breaks it and the finding that follows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.config.injections import sound
from tests.providers.preflight.racks import CLUSTER, LEFT_RUNNING, findings, rack, short

CASES: list[tuple[str, str, dict[str, str | None], str, str]] = [
    ("error", "architecture", {"userland": "armhf"}, "a 32-bit userland", "64-bit image"),
    ("error", "architecture", {"userland": "armhf", "machine": "armv7l"}, "armhf", "ended there with 1.26"),
    ("error", "architecture", {"userland": "armhf", "machine": "armv6l"}, "armv6", "never ran there"),
    ("error", "architecture", {"userland": "amd64", "machine": "x86_64"}, "amd64", "set architecture of"),
    ("error", "address", {"address": "127.0.0.1/8\n10.0.0.99/24"}, "10.0.0.99", "correct address"),
    ("error", "cgroup", {"cgroup": "1 memory"}, "v1", "failCgroupV1: false"),
    ("error", "modules", {"module": "overlay loaded\nvxlan missing"}, "none", "linux-modules-extra-raspi"),
    ("warning", "modules", {"module": "overlay unknown"}, "no /lib/modules/6.12.47", "reboot"),
    ("error", "memory", {"memtotal": "948000"}, "925 MiB", "a board with more"),
    (
        "error",
        "swap",
        {"swap": "/swapfile file 2097148 9\n", "container": "yes"},
        "the host's",
        "on the host",
    ),
    (
        "error",
        "swap",
        {"swap": "/swapfile file 2097148 1048576", "memavailable": "524288"},
        "1024 MiB of /swapfile in use, 512 MiB free",
        "ps -eo",
    ),
    ("warning", "power", {"throttled": "throttled=0x50005"}, "too little now", "power supply"),
    ("warning", "page size", {"page_size": "16384"}, "16 KiB", "kernel8.img"),
    ("error", "ports", {"listens": "22 sshd\n6443 k3s-server"}, "6443 in use by k3s-server", "ss -ltnp"),
    ("error", "ports", {"listens": LEFT_RUNNING}, "2379 in use by etcd", "kubeadm reset"),
    ("warning", "resolver", {"nameserver": None}, "none", "getent hosts"),
    ("warning", "resolver", {"nameserver": "127.0.0.1"}, "127.0.0.1", "getent hosts"),
    ("warning", "resolver", {"lookup": "no"}, "none from 10.0.0.1", "getent hosts"),
    ("error", "disk", {"disk": "/var/lib/containerd 7340032 524288"}, "512 MiB of 7168", "larger card"),
    ("warning", "disk", {"disk": "/var/lib/containerd 7340032 3145728"}, "3072 MiB", "larger card"),
    ("warning", "disk", {"disk": "/var/lib/etcd 7340032 1048576"}, "1024 MiB", "data disk for /var/lib/etcd"),
    ("warning", "fsync", {"fsync": "64 1 copied, 1.28 s,"}, "20.0 ms", "SSD"),
    ("error", "fsync", {"fsync": "64 1 copied, 12.8 s,"}, "200.0 ms", "heartbeat_interval: 500"),
    ("warning", "disk ids", {"vendor": "VMware, Inc."}, "none", "disk.EnableUUID"),
]


@pytest.mark.parametrize(
    ("level", "check", "answer", "found", "cure"), CASES, ids=[f"{one[1]}-{one[3]}" for one in CASES]
)
def test_a_fresh_control_plane_with_a_fault(
    level: str, check: str, answer: dict[str, str | None], found: str, cure: str
) -> None:
    """One fault, one finding, which says what was found and what to do."""
    (one,) = findings(rack(), cp_1=answer)
    assert (one.level, one.machine, one.check) == (level, "cp-1", check)
    assert found in one.found
    assert cure in one.next_step


def test_sound_boards_have_no_finding() -> None:
    """Nothing to say of a rack as it should be."""
    assert findings(rack()) == []


@pytest.mark.parametrize(
    ("answer", "check"), [(case[2], case[1]) for case in CASES], ids=lambda one: str(one)
)
def test_a_living_node_never_stops_a_run(answer: dict[str, str | None], check: str) -> None:
    """What was put up with so far is at most a warning."""
    member: dict[str, str | None] = {"managed": "yes", "member": "yes"}
    assert "error" not in {one.level for one in findings(rack(), cp_1={**member, **answer})}


def test_a_living_control_plane_has_no_finding() -> None:
    """Its ports are in use by what must use them, and joining is behind it."""
    living: dict[str, str | None] = {"managed": "yes", "member": "yes", "listens": LEFT_RUNNING}
    assert findings(rack(), cp_1={**living, "memtotal": "948000"}) == []


def test_a_run_that_was_killed_may_go_on() -> None:
    """Ports of ours on a machine that we began are no obstacle; another's are."""
    begun: dict[str, str | None] = {"managed": "yes", "listens": LEFT_RUNNING}
    assert findings(rack(), cp_1=begun) == []
    assert short(findings(rack(), cp_1={**begun, "listens": "10250 k3s-agent"})) == [
        ("error", "cp-1", "ports")
    ]


@pytest.mark.parametrize(
    ("listens", "managed", "expected"),
    [
        ("6443 sshd", None, [("error", "lb-1", "ports")]),
        ("6443 haproxy", None, [("error", "lb-1", "ports")]),
        ("6443 haproxy", "yes", []),
        ("10250 something", None, []),
    ],
)
def test_a_load_balancer_needs_its_own_port_alone(
    listens: str, managed: str | None, expected: list[tuple[str, str, str]]
) -> None:
    """And none of those of a node."""
    changed: dict[str, str | None] = {"listens": listens}
    changed |= {"managed": managed} if managed else {}
    assert short(findings(rack(), lb_1=changed)) == expected


def test_control_planes_that_share_the_endpoint_s_address_need_its_port_too() -> None:
    """HAProxy runs there beside the API server; on a worker the port is nobody's business."""
    vip = {"address": "10.0.0.50", "on": "control-planes"}
    shared = rack(cluster={**sound()["cluster"], "vip": vip, "endpoint_port": 8443})
    taken: dict[str, str | None] = {"listens": "8443 nginx"}
    assert short(findings(shared, cp_1=taken, w_1=taken)) == [("error", "cp-1", "ports")]
    ours: dict[str, str | None] = {"listens": "8443 haproxy\n6443 kube-apiserver", "managed": "yes"}
    assert findings(shared, cp_1=ours) == []


def test_a_load_balancer_may_be_a_small_old_board() -> None:
    """ARMv7, 128 MiB, 16 KiB pages, cgroup v1, no modules: nothing of this matters to HAProxy."""
    old: dict[str, str | None] = {"memtotal": "131072", "page_size": "16384", "cgroup": "1"}
    assert findings(rack(), lb_1={**old, "module": "vxlan missing", "disk": None}) == []


def test_a_worker_needs_less() -> None:
    """896 MiB, and no disk for etcd."""
    assert findings(rack(), w_1={"memtotal": "948000", "disk": "/var/lib/etcd 1 1"}) == []
    (one,) = findings(rack(), w_1={"memtotal": "512000"})
    assert (one.level, one.expected) == ("error", "896 MiB for a worker")


@pytest.mark.parametrize(
    ("cluster", "answer"),
    [
        ({"ignore_preflight_errors": ["Mem"]}, {"memtotal": "948000"}),
        ({"etcd": {"heartbeat_interval": 500, "election_timeout": 5000}}, {"fsync": "64 1 copied, 12.8 s,"}),
    ],
)
def test_what_the_stack_file_puts_up_with_is_a_warning(
    cluster: dict[str, Any], answer: dict[str, str | None]
) -> None:
    """kubeadm's check of memory may be ignored, etcd's heartbeat may be slower."""
    (one,) = findings(rack(cluster={**CLUSTER, **cluster}), cp_1=answer)
    assert one.level == "warning"


def test_cgroup_v1_may_be_accepted() -> None:
    """By the kubelet's own setting, or by a version that does not mind."""
    told = rack(cluster={**CLUSTER, "kubelet": {"failCgroupV1": False}})
    assert findings(told, cp_1={"cgroup": "1 memory"}) == []
    older = rack(cluster={**CLUSTER, "kubernetes": "1.34.10"})
    assert findings(older, cp_1={"cgroup": "1 memory"}) == []


def test_nftables_asks_for_a_newer_kernel() -> None:
    """5.10 is too old for that mode, and for no other."""
    nftables = rack(cluster={**CLUSTER, "kube_proxy": {"mode": "nftables"}})
    assert short(findings(nftables, w_1={"kernel": "5.10.103-v8+"})) == [("error", "w-1", "kernel")]
    assert findings(nftables, w_1={"kernel": "5.13.0"}) == []
    assert findings(rack(), w_1={"kernel": "5.10.103-v8+"}) == []


def test_host_gw_does_without_vxlan() -> None:
    """The module is not missed where the network does not use it."""
    routed = rack(network={"backend": "host-gw"})
    assert findings(routed, w_1={"module": "overlay loaded\nvxlan missing"}) == []


def test_systemd_resolved_in_front_is_no_loop() -> None:
    """kubeadm gives the kubelet the file with the real name servers."""
    assert findings(rack(), cp_1={"nameserver": "127.0.0.53", "upstream": "10.0.0.1"}) == []


def test_a_machine_reached_by_another_address_may_get_its_own_yet() -> None:
    """A warning, because the stack file knows of both."""
    moved = {"address": "10.0.0.22", "connection": {"address": "10.0.0.99"}}
    here = rack(nodes={**sound()["nodes"], "w-2": moved})
    assert short(findings(here, w_2={"address": "10.0.0.99/24"})) == [("warning", "w-2", "address")]


def test_what_the_run_itself_will_mend_is_no_finding() -> None:
    """The memory controller, an address and name servers that the stack file gives; without them, they are."""
    faults: dict[str, str | None] = {"cgroup": "2", "address": "10.0.0.99/24", "nameserver": None}
    given = {"network": {"gateway": "10.0.0.1", "dns": ["10.0.0.1"]}}
    assert (
        findings(rack(nodes={**sound()["nodes"], "w-2": {"address": "10.0.0.22", **given}}), w_2=faults) == []
    )
    left = {"address": "10.0.0.22", "boot": {"memory_cgroup": False}}
    found = findings(rack(nodes={**sound()["nodes"], "w-2": left}), w_2=faults)
    assert {one.check: one.level for one in found} == {
        "address": "error",
        "cgroup": "error",
        "resolver": "warning",
    }


def test_a_disk_that_etcd_is_about_to_leave_is_not_judged() -> None:
    """The stack file moves it to another, which an unprepared machine has not mounted yet."""
    slow: dict[str, str | None] = {"fsync": "64 1 copied, 12.8 s,", "disk": "/var/lib/etcd 7340032 1048576"}
    moved = {"binds": {"/var/lib/etcd": "/data/etcd"}, "mounts": {"/data": {"source": "LABEL=data"}}}
    own = {**sound()["nodes"]["cp-1"], "storage": moved}
    assert findings(rack(nodes={**sound()["nodes"], "cp-1": own}), cp_1=slow) == []
