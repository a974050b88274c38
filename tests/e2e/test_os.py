"""Boards of several families, from as they were flashed to prepared, and back.

Each is dressed as its family (`lab/boards/image/dress`) and has its network by another program. They
stand in the rack as further machines, beside the smallest cluster: its software comes for one suite
of Debian, and what is asked here is asked of the operating system. The tests build on each other,
in this order, on one rack.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.boards import files, power
from lab.namespace import inside
from lab.shell import say
from tests.e2e.rack import Stack, TestRack, eventually

pytestmark = pytest.mark.lab
NET = "10.125.0"
DRESSES = {
    "w-1": "raspios",
    "w-2": "debian-ifupdown",
    "w-3": "debian-grub",
    "w-4": "raspios-legacy",
    "w-5": "armbian",
}
NODE = "w-6"
"""A worker of the cluster, dressed as Armbian, so that it has a kernel to be told something."""
WITH_WORDS = ("w-1", "w-4", "w-5")
"""Boards that have the files of a boot loader, and a kernel that is told of them."""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8JmTgmbyJjgXqkx3FAxUuPDYsAo1bJ0rL3AzJqTgnB ann"
SWAPLESS = len(Path("/proc/swaps").read_text().splitlines()) == 1
"""Whether this machine has no swap: boards would turn off what is its."""
DAMAGES = {
    "timezone": ("w-4", "ln -sfn /usr/share/zoneinfo/UTC /etc/localtime"),
    "sshd": ("w-4", "sed -i s/3/6/ /etc/ssh/sshd_config.d/*helicon*.conf"),
    "boot": ("w-1", "sed -i 's/ audit=0//' /boot/firmware/cmdline.txt"),
    "locale": ("w-1", "sed -i s/fr_FR/C/ /etc/default/locale"),
    "keyboard": ("w-5", "sed -i s/fr/us/ /etc/default/keyboard"),
    "logs": ("w-5", "sed -i s/16M/99M/ /etc/systemd/journald.conf.d/*helicon.conf"),
    "certificates": ("w-2", "rm /usr/local/share/ca-certificates/helicon-corp.crt"),
    "network": ("w-2", "echo 'nameserver 10.9.9.9' > /etc/resolv.conf"),
    "users": ("w-3", "sed -i '/ann$/d' /home/ann/.ssh/authorized_keys"),
    "mounts": ("w-3", "umount /srv/scratch"),
    "sysctl": ("w-3", "sysctl -qw net.core.somaxconn=128"),
}
"""Property, board, and what goes wrong there."""
GUARDED = f"""
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: guarded}}
spec: {{minAvailable: 1, selector: {{matchLabels: {{app: guarded}}}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: guarded}}
spec:
  selector: {{matchLabels: {{app: guarded}}}}
  template:
    metadata: {{labels: {{app: guarded}}}}
    spec:
      nodeSelector: {{kubernetes.io/hostname: {NODE}}}
      terminationGracePeriodSeconds: 1
      containers: [{{name: sleep, image: "docker.io/library/busybox:1.37", command: [sleep, "86400"]}}]
"""
"""A pod of the worker that must not go."""
LEFT = {
    "/usr/lib/locale/locale-archive": "locales that were made stay",
    "/etc/ssl/certs": "hashed again, with the times of today",
    "/var/lib/NetworkManager": "a running NetworkManager's own notes",
    "/usr/share/netplan": "compiled as soon as root runs netplan",
    "/var/opt/data": "made by this test",
}


@pytest.fixture(scope="module")
def boards() -> Iterator[TestRack]:
    """Fresh boards of five families; they go when the tests are through."""
    made = TestRack("os", NET, {"lb-1": "", "cp-1": "", NODE: "armbian", **DRESSES})
    made.begin()
    made.configure(describe)
    yield made
    made.end()


def describe(one: Stack) -> None:
    """All that is asked of the boards' operating systems."""
    certificate = authority()
    one["helicon:cluster"]["schedulable_control_planes"] = True
    one["helicon:nodes"] = {
        "cp-1": {"address": f"{NET}.21", "roles": ["control-plane"]},
        NODE: {"address": f"{NET}.36"},
    }
    one["helicon:machines"] = {
        name: {
            "address": f"{NET}.3{name[-1]}",
            "boot": {"present": ["audit=0"]} if name in WITH_WORDS else {},
            "swap": "off" if SWAPLESS else "keep",
            "network": {
                "gateway": f"{NET}.1",
                "dns": [f"{NET}.1"],
                "search": ["lab.test"],
                "resolv_conf": "static",
                "deadline": 20,
                "restore": True,
            },
            "users": {"ann": {"keys": [KEY], "sudo": "passwordless", "expiry": "never"}},
            "sshd": {"MaxAuthTries": 3},
            "timezone": "Europe/Paris",
            "locale": {"LANG": "fr_FR.UTF-8"},
            "keyboard": {"layout": "fr"},
            "certificates": {"corp": certificate},
            "disabled_services": ["bluetooth", "dphys-swapfile"],
            "logs": {"storage": "volatile", "max_use": "16M"},
            "sysctl": {"net.core.somaxconn": "4321"},
            "storage": {
                "mounts": {"/srv/scratch": {"source": "tmpfs", "type": "tmpfs"}},
                "binds": {"/var/opt/data": "/srv/data"},
            },
        }
        for name in DRESSES
    }


def authority() -> str:
    """A CA certificate, as a company has one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "corp.example.test")])
    now = datetime.now(UTC)
    until = now + timedelta(days=30)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, until)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_a_preview_shows_the_work_and_does_none(boards: TestRack) -> None:
    """Every property that will differ is named; no board is touched."""
    marks = boards.marks()
    text = boards.pulumi("preview", "--diff")
    for word in ("timezone", "keyboard", "audit=0", "search", "/srv/scratch", "corp"):
        assert word in text, word
    assert boards.written(marks) == []
    assert boards.changed(boards.before, living=True) == []


def test_up_prepares_every_family_and_restarts_where_the_kernel_must_know(boards: TestRack) -> None:
    """Words of the command line are with the running kernel after one restart; the others never went down."""
    started = {name: power.boot_id(board) for name, board in boards.boards.items()}
    boards.root("w-3", "sh", "-c", "mkdir -p /var/opt/data; echo kept > /var/opt/data/file")
    boards.up()
    for name in DRESSES:
        restarted = power.boot_id(boards.boards[name]) != started[name]
        assert restarted == (name in WITH_WORDS), name
        assert boards.root(name, "date", "+%Z").strip() in ("CET", "CEST")
        assert "search lab.test" in boards.root(name, "cat", "/etc/resolv.conf")
        assert "/srv/scratch" in boards.root(name, "findmnt", "-no", "TARGET", "/srv/scratch")
        boards.root(name, "openssl", "verify", "/usr/local/share/ca-certificates/helicon-corp.crt")
    for name in WITH_WORDS:
        assert "audit=0" in boards.root(name, "cat", "/proc/cmdline").split()
    assert boards.root("w-3", "cat", "/srv/data/file").strip() == "kept"


def test_the_second_up_writes_nothing(boards: TestRack) -> None:
    """On no family, by no command."""
    pictures = {name: files.snapshot(board) for name, board in boards.boards.items()}
    marks = boards.marks()
    boards.up()
    assert boards.written(marks) == []
    assert boards.changed(pictures, living=True) == []


def test_drift_of_ten_kinds_is_named_and_mended(boards: TestRack) -> None:
    """The preview names each property on its board; after an up, a preview names none."""
    for board, damage in DAMAGES.values():
        boards.root(board, "sh", "-c", damage)
    text = boards.pulumi("preview", "--diff")
    for name in DAMAGES:
        assert f"~ {name}" in text, name
    boards.up()
    assert "update" not in boards.pulumi("preview").partition("Resources:")[2]


def test_a_failed_change_of_the_network_rolls_back(boards: TestRack) -> None:
    """The new address cannot be reached: the board takes its old one again by itself, and says so."""
    boards.configure(lambda one: one["helicon:machines"]["w-3"].update({"address": f"{NET}.77"}))
    blackhole = ["ip", "route", "add", "blackhole", f"{NET}.77/32"]
    subprocess.run(inside(blackhole), check=True)
    text = boards.up(check=False)
    subprocess.run(inside([*blackhole[:2], "del", *blackhole[3:]]), check=True)
    assert "w-3" in text and "back" in text
    eventually(
        "w-3 has its address again", lambda: f"{NET}.33/24" in boards.root("w-3", "ip", "-4", "address")
    )


def test_a_machine_is_followed_to_its_new_address(boards: TestRack) -> None:
    """And back again: the connection goes by the old address first, then by the new one."""
    boards.up()
    assert f"{NET}.77/24" in boards.root("w-3", "ip", "-4", "address")
    boards.configure(lambda one: one["helicon:machines"]["w-3"].update({"address": f"{NET}.33"}))
    boards.up()
    addresses = boards.root("w-3", "ip", "-4", "address")
    assert f"{NET}.33/24" in addresses and f"{NET}.77/24" not in addresses


def test_data_of_a_living_cluster_move_off_the_card_and_back(boards: TestRack) -> None:
    """Images, containers and etcd, under running pods; every node is Ready again, no object is lost."""
    boards.program.write_kubeconfig()
    boards.kubectl("create", "configmap", "kept")
    binds = {f"/var/lib/{name}": f"/var/lib/disk/{name}" for name in ("containerd", "etcd")}
    boards.configure(lambda one: one["helicon:nodes"]["cp-1"].update({"storage": {"binds": binds}}))
    for there in (True, False):
        boards.up()
        for path in binds:
            said = boards.root("cp-1", "sh", "-c", 'mountpoint "$0" || true', path)
            assert ("is a mountpoint" in said) == there
        eventually("all nodes ready", lambda: boards.nodes() == {"cp-1": True, NODE: True}, 300)
        boards.kubectl("get", "configmap", "kept")
        boards.configure(lambda one: one["helicon:nodes"]["cp-1"].pop("storage", None))


def test_a_worker_is_drained_before_it_restarts(boards: TestRack) -> None:
    """One whose pods must not go is left alone, with the reason; then it restarts, and takes pods again."""
    apply = inside(["kubectl", "apply", "-f", "-"])
    subprocess.run(apply, env=boards.program.environment(), input=GUARDED, text=True, check=True)
    boards.kubectl("rollout", "status", "deployment", "guarded", "--timeout=90s")
    started = power.boot_id(boards.boards[NODE])
    boards.configure(lambda one: one["helicon:nodes"][NODE].update({"boot": {"present": ["audit=0"]}}))
    text = boards.up(check=False)
    assert "guarded" in text
    assert power.boot_id(boards.boards[NODE]) == started
    assert "unschedulable" not in boards.kubectl("get", "node", NODE, "-o", "json")
    boards.kubectl("delete", "poddisruptionbudget", "guarded")
    boards.up()
    assert power.boot_id(boards.boards[NODE]) != started
    assert "audit=0" in boards.root(NODE, "cat", "/proc/cmdline").split()
    assert boards.nodes()[NODE]
    assert "unschedulable" not in boards.kubectl("get", "node", NODE, "-o", "json")
    boards.kubectl("delete", "deployment", "guarded")


def test_destroy_gives_the_boards_back(boards: TestRack) -> None:
    """Network and SSH server too, since that was asked for; the files are as before, but for a short list."""
    boards.destroy(HELICON_GIVE_BACK="all")
    assert json.loads(boards.pulumi("stack", "export"))["deployment"].get("resources", []) == []
    left = boards.changed(boards.before, living=False, but=LEFT)
    say("\n".join(left))
    assert left == []
