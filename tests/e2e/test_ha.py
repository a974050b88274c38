"""High availability on a rack with a pair of load balancers that share a VIP, and three control planes.

The API is asked, or written to, at its endpoint throughout. The tests build on each other, in this
order, on one rack; the one that stops everything in turn writes docs/failover.md.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.boards import __main__ as boards
from lab.boards import files, keys, power
from lab.namespace import inside
from lab.places import REPOSITORY
from lab.shell import say
from providers.failover.probe import Result
from tests.e2e.faults import Fault, of_api_server, of_machine, of_service
from tests.e2e.probing import Probing, Writing
from tests.e2e.rack import Stack, TestRack, eventually

pytestmark = pytest.mark.lab
NET = "10.126.0"
VIP = f"{NET}.241"
MOVED = f"{NET}.27"
"""Where a control plane moves to."""
BOARDS = {**dict.fromkeys(("lb-1", "lb-2", "cp-1", "cp-3", "cp-4", "w-1"), ""), "cp-2": "debian-grub"}
"""One has its network from a program that can be told another address."""
MOST_STOPPED = 1
"""Probes that may fail when something is stopped in good order."""
LONGEST = 3.0
"""Seconds that the API may be away when something dies, or while certificates change."""
LONGEST_WRITE = 5.0
"""Seconds that writes may fail while a control plane is replaced."""
REPORT = REPOSITORY / "docs" / "failover.md"
LEAF = "/etc/kubernetes/pki/etcd/server.crt"
RESIGN = """
set -eu; cd /etc/kubernetes/pki/etcd
openssl x509 -in server.crt -CA ca.crt -CAkey ca.key -days 5 -out server.new -copy_extensions copyall
mv server.new server.crt
"""
"""The same certificate, for five days only."""
LOSE = """
set -eu; mkdir -p /var/tmp/manifests; mv /etc/kubernetes/manifests/*.yaml /var/tmp/manifests/
while pidof etcd kube-apiserver >/dev/null; do sleep 1; done
rm -rf /var/lib/etcd/member; mv /var/tmp/manifests/*.yaml /etc/kubernetes/manifests/
"""
"""etcd's data is gone, while it and all that asks it are down."""


@pytest.fixture(scope="module")
def ha() -> Iterator[TestRack]:
    """Fresh boards and a whole cluster; they go when the tests are through."""
    made = TestRack("ha", NET, BOARDS)
    made.begin()
    made.configure(describe)
    yield made
    made.end()


def describe(one: Stack) -> None:
    """Two load balancers, a VIP, backups, and a spare board."""
    cluster = one["helicon:cluster"]
    del cluster["endpoint_address"]
    cluster["vip"] = {"address": VIP}
    one["helicon:load_balancers"] = {name: {"address": f"{NET}.1{name[-1]}"} for name in ("lb-1", "lb-2")}
    one["helicon:nodes"] = {name: control_plane(name) for name in ("cp-1", "cp-2", "cp-3")}
    one["helicon:nodes"]["w-1"] = {"address": f"{NET}.31"}
    one["helicon:backup"] = {"schedule": "daily", "keep": 3}
    connection = one["helicon:defaults"]["connection"]
    for path in ("identity_file", "known_hosts"):  # `make backup` runs beside the stack file
        connection[path] = str(REPOSITORY / connection[path])


def control_plane(name: str) -> Stack:
    """A control plane of the stack file."""
    return {"address": f"{NET}.2{name[-1]}", "roles": ["control-plane"]}


def control_planes(rack: TestRack) -> list[str]:
    """The control planes of the stack file, in its order."""
    nodes = rack.current()["config"]["helicon:nodes"]
    return [name for name, node in nodes.items() if "control-plane" in node.get("roles", ())]


def whole(rack: TestRack) -> bool:
    """Whether all nodes are Ready, each API server answers, and the VIP lies on a load balancer."""
    listed = set(rack.current()["config"]["helicon:nodes"])
    ready = rack.nodes()
    served = [rack.api_ready(name) for name in control_planes(rack)]
    balanced = [
        rack.root(name, "systemctl", "is-active", "haproxy", "keepalived") for name in ("lb-1", "lb-2")
    ]
    return listed == ready.keys() and all(ready.values()) and all(served) and all(balanced) and rack.answers()


def become_whole(rack: TestRack) -> None:
    """Wait for that."""
    eventually("the rack is whole", lambda: whole(rack), 300)


def up_while_probing(rack: TestRack, **env: str) -> None:
    """`pulumi up` while the API is asked, which must not be away for long; the next one changes nothing."""
    with Probing(f"{VIP}:6443") as seen:
        rack.up(check=True, **env)
    say(str(seen.result))
    assert seen.result.probes > 10
    assert seen.result.longest < LONGEST, seen.result


def settled(rack: TestRack) -> None:
    """An `up` writes nothing."""
    marks = rack.marks()
    rack.up()
    assert rack.written(marks) == []


def test_up_builds_the_rack(ha: TestRack) -> None:
    """The VIP is on one load balancer, the cluster behind it is whole; a second up writes nothing."""
    ha.up()
    ha.program.write_kubeconfig()
    assert VIP in (json.loads(ha.program.kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
    holders = [name for name in ("lb-1", "lb-2") if VIP in ha.root(name, "ip", "-4", "address")]
    assert len(holders) == 1
    settled(ha)


def test_it_survives_whatever_stops(ha: TestRack) -> None:
    """Each load balancer, each control plane, each service alone: stopped, killed and restarted in turn."""
    rows = []
    for fault in faults(ha):
        become_whole(ha)
        rows.append((fault, suffered(ha, fault)))
        say(f"{fault}: {rows[-1][1]}")
    REPORT.write_text(report(rows))
    missed = [
        f"{fault}: {seen}"
        for fault, seen in rows
        if seen.longest >= LONGEST or (fault.gentle and seen.failed > MOST_STOPPED)
    ]
    assert missed == []


def faults(rack: TestRack) -> Iterator[Fault]:
    """Everything that may stop, one after the other; the etcd leader is one of the control planes."""
    for name in ("lb-1", "lb-2", *control_planes(rack)):
        yield from of_machine(name)
    for name in ("lb-1", "lb-2"):
        yield from of_service(name, "haproxy")
        yield from of_service(name, "keepalived")
    for name in control_planes(rack):
        yield from of_api_server(name)


def suffered(rack: TestRack, fault: Fault) -> Result:
    """What probes saw while something was out of order and came back."""
    with Probing(f"{VIP}:6443") as seen:
        time.sleep(2)
        fault.begin(rack)
        time.sleep(8)
        fault.end(rack)
        become_whole(rack)
    return seen.result


def report(rows: list[tuple[Fault, Result]]) -> str:
    """The table, as a page."""
    lines = [
        "# What the API survives",
        "",
        "Written by `make test-ha`: two load balancers that share a VIP, three control planes, one worker,",
        "on simulated boards; `/readyz?exclude=shutdown` asked at the VIP every 0.2 s, each time by a new",
        "connection with a timeout of 3 s (that a server which leaves says so to load balancers, while it serves",
        "on, is no failure). Control planes include the etcd leader and the holder of the controllers' leases.",
        "",
        "| machine | what | probes | failed | longest gap |",
        "|---|---|---|---|---|",
    ]
    for fault, seen in rows:
        lines.append(
            f"| {fault.machine} | {fault.what} | {seen.probes} | {seen.failed} | {seen.longest:.1f} s |"
        )
    return "\n".join(lines) + "\n"


def test_a_changed_name_is_in_every_certificate(ha: TestRack) -> None:
    """A further SAN re-issues the API server's certificate; the API servers start anew one at a time."""
    ha.configure(
        lambda one: one.setdefault("helicon:authority", {}).update({"extra_sans": ["vpn.example.test"]})
    )
    up_while_probing(ha)
    for name in control_planes(ha):
        assert "vpn.example.test" in served_certificate(ha, name)
    settled(ha)


def served_certificate(rack: TestRack, name: str) -> str:
    """The certificate that a control plane's API server shows, as text."""
    line = 'openssl s_client -connect "$1:6443" </dev/null 2>/dev/null | openssl x509 -noout -text'
    argv = inside(["sh", "-c", line, "served", rack.boards[name].address])
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_a_certificate_near_its_end_is_named_and_renewed(ha: TestRack) -> None:
    """One of kubeadm's own on one control plane: only that one is touched."""
    ha.root("cp-2", "sh", "-c", RESIGN)
    text = ha.pulumi("preview", "--diff")
    assert "cp-2-membership" in text and "expires" in text
    marks = ha.marks()
    up_while_probing(ha)
    assert {line.partition(":")[0] for line in ha.written(marks)} == {"cp-2"}
    ha.root("cp-2", "openssl", "x509", "-checkend", str(300 * 86400), "-noout", "-in", LEAF)
    settled(ha)


def test_etcd_s_options_change_one_member_at_a_time(ha: TestRack) -> None:
    """The plan names the option; no worker is touched."""
    options = {"heartbeat_interval": 200, "election_timeout": 2000}
    ha.configure(lambda one: one["helicon:cluster"].setdefault("etcd", {}).update(options))
    text = ha.pulumi("preview", "--diff")
    assert "heartbeat-interval" in text and "w-1-membership" not in text
    up_while_probing(ha)
    for name in control_planes(ha):
        assert "--heartbeat-interval=200" in ha.root(name, "cat", "/etc/kubernetes/manifests/etcd.yaml")
    settled(ha)


def test_lost_data_come_back_from_a_backup(ha: TestRack, tmp_path: Path) -> None:
    """A snapshot, then every member's data gone, then restored: objects of before are there, later ones not."""
    ha.kubectl("create", "configmap", "before")
    ha.tool("providers.backup", "--to", str(tmp_path))
    (snapshot,) = tmp_path.glob("*.db")
    ha.kubectl("create", "configmap", "after")
    for name in control_planes(ha):
        ha.root(name, "sh", "-c", LOSE)
    ha.tool("providers.backup.restore", str(snapshot), "--yes")
    become_whole(ha)
    kept = ha.kubectl("get", "configmaps", "-o", "name")
    assert "configmap/before" in kept and "configmap/after" not in kept
    ha.up()
    settled(ha)


def test_the_cluster_s_ca_is_rotated(ha: TestRack, tmp_path: Path) -> None:
    """By three ups, as docs/certificates.md has it; the kubeconfig of before is refused in the end."""
    former = tmp_path / "former"
    former.write_text(ha.program.kubeconfig.read_text())
    former.chmod(0o600)
    rotate(ha, current=1, trusted=[1, 2])
    for namespace in ("kube-system", "kube-flannel"):
        kinds = "deployment,daemonset" if namespace == "kube-system" else "daemonset"
        ha.kubectl("--namespace", namespace, "rollout", "restart", kinds)
    become_whole(ha)
    rotate(ha, current=2, trusted=[1, 2])
    assert as_before(ha, former) == ""
    rotate(ha, current=2, trusted=[2])
    assert "Unauthorized" in as_before(ha, former)
    become_whole(ha)
    settled(ha)


def rotate(rack: TestRack, *, current: int, trusted: list[int]) -> None:
    """One step, and its kubeconfig."""
    generations = {"kubernetes": {"current": current, "trusted": trusted}}
    rack.configure(lambda one: one.setdefault("helicon:authority", {}).update({"cas": generations}))
    up_while_probing(rack)
    rack.program.write_kubeconfig()


def as_before(rack: TestRack, kubeconfig: Path) -> str:
    """What the API says to a former kubeconfig; nothing when it answers. The server's own certificate is let pass."""
    argv = ["kubectl", "--kubeconfig", str(kubeconfig), "--insecure-skip-tls-verify", "get", "nodes"]
    done = subprocess.run(inside(argv), env=rack.program.environment(), capture_output=True, text=True)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize(("old", "new"), [("cp-1", "cp-4"), ("cp-2", "cp-1"), ("cp-3", "cp-2")])
def test_a_control_plane_is_replaced(ha: TestRack, old: str, new: str) -> None:
    """The first, the second, the third: no write is lost, or refused for long."""

    def swap(one: Stack) -> None:
        del one["helicon:nodes"][old]
        one["helicon:nodes"][new] = control_plane(new)

    ha.configure(swap)
    with Writing(ha) as written:
        ha.up()
    assert written.longest < LONGEST_WRITE
    assert written.lost() == []
    assert sorted(members(ha)) == sorted(control_planes(ha))
    become_whole(ha)
    settled(ha)


def members(rack: TestRack) -> list[str]:
    """The names of etcd's members."""
    pki = "/etc/kubernetes/pki/etcd"
    ask = ["etcdctl", "--endpoints=https://127.0.0.1:2379", f"--cacert={pki}/ca.crt"]
    ask += [f"--cert={pki}/server.crt", f"--key={pki}/server.key", "member", "list", "-w", "json"]
    pod = f"etcd-{control_planes(rack)[0]}"
    listed = json.loads(rack.kubectl("exec", "--namespace", "kube-system", pod, "--", *ask))
    return [one["name"] for one in listed["members"]]


def test_a_control_plane_moves_to_another_address(ha: TestRack) -> None:
    """It leaves, moves, and joins again, in one up."""

    def move(one: Stack) -> None:
        one["helicon:nodes"]["cp-2"] |= {
            "address": MOVED,
            "network": {"gateway": f"{NET}.1", "dns": [f"{NET}.1"], "deadline": 60, "restore": True},
        }

    ha.configure(move)
    with Writing(ha) as written:
        ha.up()
    assert written.longest < LONGEST_WRITE
    assert written.lost() == []
    assert MOVED in ha.kubectl("get", "node", "cp-2", "-o", "wide")
    assert sorted(members(ha)) == sorted(control_planes(ha))
    settled(ha)


def test_a_dead_control_plane_is_replaced_at_its_name(ha: TestRack) -> None:
    """Another board with another host key and an empty disk: trusted, then one up."""
    board, known = ha.boards["cp-1"], keys.known_hosts(ha.lab)
    power.cut(board)
    # the lab knows its boards at their first addresses only
    learned = [line for line in known.read_text().splitlines(keepends=True) if line.startswith(f"{MOVED} ")]
    boards.up(ha.lab, [board], reset=True)
    known.write_text(known.read_text() + "".join(learned))
    ha.before["cp-1"] = files.snapshot(board)
    with Writing(ha) as written:
        ha.up()
    assert written.longest < LONGEST_WRITE
    assert sorted(members(ha)) == sorted(control_planes(ha))
    become_whole(ha)
    settled(ha)


def test_destroy_gives_the_boards_back(ha: TestRack) -> None:
    """The VIP is gone, the files are as before, but for a short list."""
    ha.destroy(HELICON_GIVE_BACK="machines")
    for name in ("lb-1", "lb-2"):
        assert VIP not in ha.root(name, "ip", "-4", "address")
    stays = {
        "/var/backups/etcd": "backups stay",
        "/var/lib/etcd.helicon": "data that a restore set aside are their user's to remove",
        "/etc/systemd/network/00-helicon.network": "a machine that has moved stays at its address",
    }
    left = ha.changed(ha.before, living=False, but=stays)
    say("\n".join(left))
    assert left == []
