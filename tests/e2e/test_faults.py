"""A rack where everything goes wrong: each fault is named with its machine, and nothing else is held up.

The tests build on each other, in this order, on one rack.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.boards import power
from lab.places import REPOSITORY
from tests.e2e.rack import TestRack

pytestmark = pytest.mark.lab
CONTROL_PLANES = ("cp-1", "cp-2", "cp-3")
KEYS = "/home/pi/.ssh/authorized_keys"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
OTHER_HOST_KEY = (
    f"set -e; mv {HOST_KEY} {HOST_KEY}.former; mv {HOST_KEY}.pub {HOST_KEY}.former.pub; "
    f"ssh-keygen -q -t ed25519 -N '' -f {HOST_KEY}; systemctl restart ssh"
)
FORMER_HOST_KEY = (
    f"set -e; mv {HOST_KEY}.former {HOST_KEY}; mv {HOST_KEY}.former.pub {HOST_KEY}.pub; systemctl restart ssh"
)
OUT_OF_STEP = r"printf '\000\044\364\000\000\000\000\000' > /run/helicon-lab/clock"
"""A board's clock has a maximal error of 16 s: what the kernel says of one that nobody keeps."""
ETCD = "/etc/kubernetes/manifests/etcd.yaml"
"""kubeadm writes it in the middle of an init, and of a control plane's join."""


def test_a_preflight_stops_a_run_before_anything_is_changed(rack: TestRack) -> None:
    """A taken port and a wrong architecture are named at once, and no board is another than before."""
    rack.root("lb-1", "systemd-run", "--quiet", "--unit=squatter", "/usr/sbin/sshd", "-D", "-p", "6443")
    rack.configure(lambda one: one["helicon:artifacts"].update({"source": two_architectures(rack)}))
    rack.configure(lambda one: one["helicon:nodes"]["cp-2"].update({"architecture": "arm64"}))
    text = " ".join(rack.up(check=False).split())
    assert "error lb-1 ports expected 6443 free, found 6443 in use by sshd" in text
    assert "error cp-2 architecture expected arm64, found amd64" in text
    assert given_back(rack) == []
    rack.configure(lambda one: one["helicon:nodes"]["cp-2"].pop("architecture"))


def test_a_wrong_sum_and_a_taken_port(rack: TestRack) -> None:
    """No node takes a program that is not the bundle's; the load balancer names who has its port."""
    rack.configure(
        lambda one: one.update({"helicon:preflight": {"tolerate": ["fsync", "ports", "architecture"]}})
    )
    with altered_bundle(rack) as source:
        rack.configure(lambda one: one["helicon:artifacts"].update({"source": source}))
        text = rack.up(check=False)
    assert "lb-1 (10.124.0.11): port 6443: expected free for HAProxy, found in use by sshd" in text
    assert "bin/kubeadm: expected sha256 " in text
    for name in (*CONTROL_PLANES, "w-1", "w-2"):
        assert f"({name}-software)" in text
        assert rack.root(name, "sh", "-c", "ls /usr/bin/kubeadm /usr/bin/kubelet 2>/dev/null; true") == ""
        assert rack.root(name, "sysctl", "-n", "net.ipv4.ip_forward").strip() == "1"


def test_every_machine_has_a_fault_of_its_own(rack: TestRack) -> None:
    """Full disk, wrong architecture, failed init, wrong key, changed host key, no power: six errors at once."""
    rack.root("lb-1", "systemctl", "stop", "squatter")
    rack.root("cp-1", "sh", "-c", "mkdir -p /opt/cni; mount -t tmpfs -o size=1m tmpfs /opt/cni")
    rack.configure(lambda one: one["helicon:artifacts"].update({"source": two_architectures(rack)}))
    rack.configure(lambda one: one["helicon:nodes"]["cp-2"].update({"architecture": "arm64"}))
    rack.root("w-1", "sh", "-c", f"mv {KEYS} {KEYS}.former")
    rack.root("w-2", "sh", "-c", OTHER_HOST_KEY)
    spare = {"address": "10.124.0.33", "connection": {"deadline": 15}}
    rack.configure(lambda one: one["helicon:nodes"].update({"w-3": spare}))
    power.cut(rack.boards["w-3"])
    with meanwhile(lambda: kill_kubeadm(rack, ["cp-3"], members=1)):
        text = rack.up(check=False)
    for expected in (
        "DiskFull: cp-1 (10.124.0.21)",
        "Refused: cp-2 (10.124.0.22): architecture: expected arm64, found amd64",
        "cp-3 (10.124.0.23): (kubeadm) init: expected status 0",
        "CredentialsRefused: w-1 (10.124.0.31)",
        "HostKeyChanged: w-2 (10.124.0.32)",
        "Unreachable: w-3 (10.124.0.33)",
    ):
        assert expected in text, expected
    assert "isn't pending" not in text
    assert rack.root("lb-1", "systemctl", "is-active", "haproxy").strip() == "active"


def test_destroy_finishes_after_a_failed_init(rack: TestRack) -> None:
    """The boards let us in again; nothing else is asked for."""
    rack.root("cp-1", "umount", "/opt/cni")
    rack.root("w-1", "sh", "-c", f"mv {KEYS}.former {KEYS}")
    rack.root("w-2", "sh", "-c", FORMER_HOST_KEY)
    power.power_on(rack.boards["w-3"])
    rack.destroy()
    assert given_back(rack) == []


def test_destroy_finishes_after_a_failed_second_join(rack: TestRack) -> None:
    """Also when it is killed in the middle."""
    rack.configure(lambda one: one["helicon:nodes"]["cp-2"].pop("architecture"))
    with meanwhile(lambda: kill_kubeadm(rack, CONTROL_PLANES, members=2)):
        text = rack.up(check=False)
    assert ": (kubeadm) join: expected status 0" in text
    rack.killed("destroy", lambda text: "helicon:Software " in text and "deleted" in text)
    rack.destroy()
    assert given_back(rack) == []


def test_a_clock_that_is_off_holds_up_its_own_machine(rack: TestRack) -> None:
    """No package, no join there; the others form the cluster, and the next `up` goes on."""
    rack.configure(lambda one: one["helicon:nodes"]["w-2"].update({"clock": {"ntp": ["10.124.0.99"]}}))
    rack.root("w-2", "sh", "-c", OUT_OF_STEP)
    text = rack.up(check=False)
    assert "w-2 (10.124.0.32): clock: expected in step with 10.124.0.99 within" in text
    assert "helicon:Software w-2-software" not in text
    rack.program.write_kubeconfig()
    assert sorted(rack.nodes()) == [*CONTROL_PLANES, "w-1", "w-3"]
    rack.configure(lambda one: one["helicon:nodes"]["w-2"].pop("clock"))
    rack.up()
    assert all(rack.nodes().values()) and "w-2" in rack.nodes()


def test_destroy_goes_on_without_a_board_that_is_gone(rack: TestRack) -> None:
    """It names the setting that gives the board up; with it, nothing is left in the state."""
    power.cut(rack.boards["w-3"])
    text = rack.destroy(check=False)
    assert "HELICON_ABANDON=w-3" in text
    rack.destroy(HELICON_ABANDON="w-3")
    assert not json.loads(rack.pulumi("stack", "export"))["deployment"].get("resources")
    power.power_on(rack.boards["w-3"])
    assert [line for line in given_back(rack) if not line.startswith("w-3")] == []


@contextmanager
def altered_bundle(rack: TestRack) -> Iterator[str]:
    """A bundle whose kubeadm is not what its list says."""
    copy = rack.program.place / "altered"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(rack.bundle, copy, copy_function=lambda source, target: Path(target).hardlink_to(source))
    (copy / "bin/kubeadm").unlink()
    shutil.copyfile(rack.bundle / "bin/kubectl", copy / "bin/kubeadm")
    yield str(copy.relative_to(REPOSITORY))
    shutil.rmtree(copy)


def two_architectures(rack: TestRack) -> str:
    """A source with the bundle for amd64, and the list of one for arm64: no file of that is asked for."""
    place = rack.program.place / "architectures"
    shutil.rmtree(place, ignore_errors=True)
    (place / "arm64").mkdir(parents=True)
    (place / "amd64").symlink_to(rack.bundle)
    manifest = json.loads((rack.bundle / "manifest.json").read_text())
    (place / "arm64/manifest.json").write_text(json.dumps({**manifest, "architecture": "arm64"}))
    shutil.copyfile(rack.bundle / "SHA256SUMS", place / "arm64/SHA256SUMS")
    return str(place.relative_to(REPOSITORY))


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Do something beside the block."""
    beside = threading.Thread(target=act, daemon=True)
    beside.start()
    yield
    beside.join(timeout=10)
    assert not beside.is_alive(), "what should have happened beside the run did not"


def kill_kubeadm(rack: TestRack, names: list[str] | tuple[str, ...], *, members: int) -> None:
    """End kubeadm on the board that is the n-th to get an etcd member."""
    seen: list[str] = []
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        for name in names:
            if name not in seen and "yes" in rack.root(name, "sh", "-c", f"test -e {ETCD} && echo yes; true"):
                seen.append(name)
                if len(seen) == members:
                    rack.root(name, "pkill", "-KILL", "-x", "kubeadm")
                    return
        time.sleep(0.3)


def given_back(rack: TestRack) -> list[str]:
    """What of the boards' files is not as it was before the first run."""
    return rack.changed(rack.before, living=False)
