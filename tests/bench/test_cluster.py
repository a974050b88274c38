"""The race from boards to a cluster: the same cluster is wanted of all, and what is amiss is named."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.cluster import (
    CLUSTER,
    CONTROL_PLANE,
    GROUPS,
    LAB,
    MOMENTS,
    SIZE,
    SPARE,
    TO_CLUSTER,
    differences,
    moments,
    stack,
)
from bench.cluster_report import USES, section
from bench.contenders.cluster_script import (
    SCRIPTS,
    ClusterScript,
    ClusterScriptTogether,
    closure,
    document,
    files,
    labels,
    ssh_config,
)
from bench.goals import SCRIPT, US, goals
from bench.meter import Cost
from bench.objects import objects
from bench.report import page
from bench.results import Results, Sample
from config import Rack, load
from lab.boards import plan

REPOSITORY = Path(__file__).parent.parent.parent
INDEX = """Package: containerd
Depends: runc (>= 0.1.0~), libc6 (>= 2.34)
Filename: ./containerd_1.deb

Package: runc
Pre-Depends: libseccomp2
Depends: libc6
Filename: ./runc_1.deb

Package: perl
Filename: ./perl_5.deb

Package: haproxy
Depends: liblua (= 5) | lua, perl:any
Filename: ./haproxy_3.deb
"""


@pytest.fixture(scope="module")
def lab_rack(tmp_path_factory: pytest.TempPathFactory) -> Rack:
    """The rack of the race, with a bundle of empty files."""
    bundle = tmp_path_factory.mktemp("bundle")
    debs = [f"debs/{name}.deb" for name in ("containerd_1", "runc_1", "perl_5", "haproxy_3")]
    names = ("bin/kubeadm", "bin/kubectl", "bin/kubelet", "debs/Packages", "images/pause.tar", *debs)
    for name in names:
        (bundle / name).parent.mkdir(exist_ok=True)
        (bundle / name).touch()
    (bundle / "debs" / "Packages").write_text(INDEX)
    manifest = {
        "version": "1",
        "kubernetes": "v1.36.3",
        "architecture": "amd64",
        "files": {name: {"sha256": "0" * 64, "size": 1} for name in names},
        "images": {"registry.k8s.io/pause:3.10.2": "images/pause.tar"},
        "debs": "debs",
    }
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    raw = stack((REPOSITORY / "Pulumi.lab.yaml").read_text())["config"]
    raw["helicon:artifacts"]["source"] = str(bundle)
    return load({key.removeprefix("helicon:"): one for key, one in raw.items()}, stack="benchk")


def sample(contender: str, wall: float, *, problems: tuple[str, ...] = ()) -> Sample:
    """One run."""
    cost = Cost(wall=wall, cpu=20.0, memory=200.0)
    return Sample(
        kind=CLUSTER,
        contender=contender,
        scenario=TO_CLUSTER,
        size=SIZE,
        round=0,
        cost=cost,
        per_host={**dict.fromkeys(MOMENTS, 30.0), **dict.fromkeys(USES, 7.0)},
        problems=[*problems],
    )


def pod(name: str, *, ready: bool = True) -> dict[str, Any]:
    """A pod as the API tells of it."""
    status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    return {"kind": "Pod", "metadata": {"name": name}, "status": status}


def whole(rack: Rack) -> list[dict[str, Any]]:
    """All nodes and pods of a cluster that works."""
    nodes = [
        {**pod(one.hostname), "kind": "Node", "metadata": {"name": one.hostname, "labels": dict(one.labels)}}
        for one in rack.nodes.values()
    ]
    names = [f"{kind}-{one}" for kind in ("kube-flannel-ds", "kube-proxy") for one in range(5)]
    names += ["coredns-a", "coredns-b", "metrics-server-a"]
    static = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    names += [f"{kind}-{one.hostname}" for kind in static for one in rack.control_planes()]
    return [*nodes, *map(pod, names)]


def test_the_rack_has_as_many_machines_as_is_said(lab_rack: Rack) -> None:
    """All in the race's own network."""
    assert len(lab_rack.machines()) == SIZE
    assert all(ip_address(one.address) in LAB.subnet for one in lab_rack.machines())


def test_a_cluster_that_lacks_nothing_has_no_differences(lab_rack: Rack) -> None:
    """And one that lacks something is told what."""
    items = whole(lab_rack)
    assert differences(lab_rack, items) == []
    gone = [one for one in items if one["metadata"]["name"] not in ("etcd-cp-3", "metrics-server-a", "w-2")]
    gone.append(pod("coredns-c", ready=False))
    assert differences(lab_rack, gone) == [
        "node w-2: not Ready",
        "pod coredns-c: not ready",
        "pod etcd-cp-3: missing",
        "pods of metrics-server-: 0 of 1",
        "node w-2: label node-role.kubernetes.io/worker",
    ]


def test_packages_bring_what_they_need_of_the_bundle() -> None:
    """What the bundle does not have, the machine has."""
    assert closure(INDEX, ["containerd"]) == ["debs/containerd_1.deb", "debs/runc_1.deb"]
    assert closure(INDEX, ["haproxy"]) == ["debs/haproxy_3.deb", "debs/perl_5.deb"]


def test_the_script_makes_the_same_cluster(lab_rack: Rack) -> None:
    """By the program's own documents, but for a token that the first control plane makes at once."""
    first, second, _ = lab_rack.control_planes()
    kinds = [one["kind"] for one in yaml.safe_load_all(document(lab_rack, first))]
    assert kinds == [
        "InitConfiguration", "ClusterConfiguration", "KubeletConfiguration", "KubeProxyConfiguration",
    ]  # fmt: skip
    assert next(yaml.safe_load_all(document(lab_rack, first)))["bootstrapTokens"] == [{"token": "TOKEN"}]
    joining = yaml.safe_load(document(lab_rack, second))
    assert joining["discovery"]["bootstrapToken"]["caCertHashes"] == ["CA_HASH"]
    assert labels(lab_rack).splitlines()[0].startswith("w-1 ")


def test_each_machine_gets_what_its_role_needs(lab_rack: Rack) -> None:
    """HAProxy on a load balancer, containerd and a kubelet on a node."""
    balancer = files(lab_rack, lab_rack.load_balancers["lb-1"])
    node = files(lab_rack, lab_rack.nodes["w-1"])
    assert balancer["etc/haproxy/haproxy.cfg"].count("    server cp-") == 3
    assert "api.lab.test" in node["etc/hosts"]
    assert {"etc/containerd/config.toml", "etc/systemd/system/kubelet.service"} <= set(node)
    assert "net.ipv4.ip_forward = 1" in node["etc/sysctl.d/99-kubernetes.conf"]


def test_the_script_knows_every_machine_by_name(lab_rack: Rack) -> None:
    """And checks its host key."""
    text = ssh_config(lab_rack, Path("key"), Path("known"))
    assert len(re.findall(r"^Host [a-z]+-\d$", text, re.MULTILINE)) == SIZE
    assert "StrictHostKeyChecking yes" in text


def test_objects_are_those_of_the_components(lab_rack: Rack) -> None:
    """The namespace first, numbers whole."""
    found = objects(lab_rack)
    assert found[0]["kind"] == "Namespace"
    assert {"kube-flannel-ds", "metrics-server"} <= {one["metadata"]["name"] for one in found}
    assert not re.search(r"\d\.0\b", json.dumps([one for one in found if one["kind"] == "Service"]))


STEPS = {
    "connection": "-fN w-2",
    "packages": "lb-2 .*machine.sh",
    "programs": "cp-3 .*tar -x -C /$",
    "images": "cp-2 .*images import",
    "init": "kubeadm init",
    "objects": "apply --server-side",
    "join of a control plane": "cp-3 .* kubeadm join",
    "its API": "cp-2 .* sh -s --",
    "join of a worker": "w-1 .* kubeadm join",
    "labels": "cp-1 .* sh -s$",
    "proof": "cp-1 .* bash -s --",
    "end": "delete daemonset",
}
"""What the script has ssh do, by step."""
SSH = """#!/bin/sh
echo "$*" >>"$SEEN"
case "$*" in *-fN*|*-O*) ;; *) cat >/dev/null;; esac
# the first control plane's images take until a worker's connection is there, or a second
case "$*" in *cp-1*"images import"*)
  for try in 1 2 3 4 5; do grep -q -- "-fN w-" "$SEEN" && break; sleep 0.2; done; echo "cp-1 is prepared" >>"$SEEN"
esac
[ -z "$FAILS" ] || ! echo "$*" | grep -Eq -- "$FAILS"
"""


def run_script(
    rack: Rack, place: Path, fails: str, kind: type[ClusterScript] = ClusterScript
) -> tuple[int, str, list[str]]:
    """The script with an ssh that does nothing, and fails where it is told to: status, output, commands."""
    assert rack.artifacts is not None
    script = kind(rack, place / "script", Path(rack.artifacts.source))
    script.prepare(place / "key", place / "known")
    (place / "ssh").write_text(SSH)
    (place / "ssh").chmod(0o755)
    path = f"{place}:{Path(shutil.which('sh') or '/bin/sh').parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", str(SCRIPTS / "cluster.sh"), str(script.place)],
        env={"PATH": path, "SEEN": str(place / "seen"), "FAILS": fails},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, (place / "seen").read_text().splitlines()


@pytest.mark.parametrize("kind", [ClusterScript, ClusterScriptTogether])
def test_control_planes_join_one_at_a_time_and_the_proof_is_last(
    kind: type[ClusterScript], lab_rack: Rack, tmp_path: Path
) -> None:
    """The order of the steps that wait for each other."""
    status, said, commands = run_script(lab_rack, tmp_path, "", kind)
    assert status == 0, said
    told = [
        f"{words[2]} {' '.join(words[5:7])}"
        for one in commands
        if "-fN" not in one and len(words := one.split()) > 5
    ]
    places = [
        told.index(one)
        for one in ("cp-1 kubeadm init", "cp-2 kubeadm join", "cp-2 sh -s", "cp-3 kubeadm join")
    ]
    assert places == sorted(places)
    assert places[-1] < told.index("cp-1 bash -s")
    assert sum("kubeadm join" in one for one in told) == 4
    assert sum("images import" in one for one in commands) == 5
    others = min(n for n, one in enumerate(commands) if re.search(r"-fN (cp-[23]|w-)", one))
    assert (others < commands.index("cp-1 is prepared")) == kind.together


def test_when_a_cluster_came_to_be() -> None:
    """By the API's own times."""
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T10:02:00Z"}
    metrics = {"startTime": "2026-01-01T10:00:58Z", "conditions": [ready]}
    items = [
        node("cp-1", "2026-01-01T10:00:30Z", {CONTROL_PLANE: ""}),
        node("w-1", "2026-01-01T10:01:10Z", {}),
        node("w-2", "2026-01-01T10:00:50Z", {}),
        {"kind": "Pod", "metadata": {"name": "metrics-server-a"}, "status": metrics},
    ]
    assert moments(items, datetime(2026, 1, 1, 10, tzinfo=UTC)) == {
        "first node": 30.0, "first worker": 50.0, "last node": 70.0,
        "metrics-server accepted": 58.0, "metrics-server ready": 120.0,
    }  # fmt: skip


def node(name: str, created: str, labels: dict[str, str]) -> dict[str, Any]:
    """A node as the API tells of it."""
    return {"kind": "Node", "metadata": {"name": name, "creationTimestamp": created, "labels": labels}}


@pytest.mark.parametrize("step", STEPS)
def test_the_script_fails_with_any_of_its_steps(step: str, lab_rack: Rack, tmp_path: Path) -> None:
    """A cluster that is not whole, or not proven, is no result."""
    status, said, _ = run_script(lab_rack, tmp_path, STEPS[step])
    assert status != 0
    assert "FAILED" in said


@pytest.mark.parametrize("name", ["cluster.sh", "cluster_machine.sh"])
def test_the_scripts_are_sound(name: str) -> None:
    """As far as the shell can say without running them."""
    subprocess.run(["bash", "-n", str(SCRIPTS / name)], check=True)


def test_the_goal_compares_medians_of_good_runs() -> None:
    """A script that did not come to a verified cluster is no opponent."""
    samples = [sample(US, 115.0), sample(SCRIPT, 100.0), sample(SCRIPT, 10.0, problems=("status 1",))]
    results = Results(samples=samples)
    (goal,) = [one for one in goals(results) if "verified cluster" in one.text]
    assert (goal.found, goal.met) == (1.15, True)
    text = page(results)
    assert "| script | 100 |  | 0.87 | 20.0 | 200 | 1 | 30.0 |" in text
    assert f"- {CLUSTER}, {SIZE}, {TO_CLUSTER}, script: status 1" in text
    assert "| script | 7.00 | 7.00 | 7.00 | 7.00 | 7.00 | 7.00 |" in text
    assert section(Results()) == ""


def test_every_board_is_counted_once() -> None:
    """What a board uses is told under what it is; nothing is left to this side."""
    counted = [name for names in GROUPS.values() for name in names]
    assert sorted(counted) == sorted(name for name in plan.BOARDS if name != SPARE)
