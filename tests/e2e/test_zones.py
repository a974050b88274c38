"""A rack with a LAN and a DMZ: each zone reaches the API by its own load balancer, and only by it.

The tests build on each other, in this order, on one rack.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial

import pytest

from lab.boards import power
from lab.namespace import inside
from lab.shell import say
from tests.e2e.rack import Stack, TestRack, eventually

pytestmark = pytest.mark.lab
NET = "10.127.0"
LAN, DMZ = f"{NET}.11", f"{NET}.12"
NOT_THERE = f"to {LAN} ipproto 6 dport 6443 prohibit".split()
"""A rule of routing (6 is TCP): fresh boards have no packet filter."""
BOARDS = dict.fromkeys(("lb-1", "lb-2", "cp-1", "w-1", "w-2"), "")
ECHO = """
apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  type: NodePort
  externalTrafficPolicy: Local
  selector: {app: echo}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: echo}
spec:
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      containers:
        - name: echo
          image: docker.io/library/busybox:1.37
          command: [sh, -c, 'mkdir /w; echo "$NODE" > /w/index.html; exec httpd -f -p 8080 -h /w']
          env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
"""
"""A page on each worker that says the worker's name."""


@pytest.fixture(scope="module")
def zones() -> Iterator[TestRack]:
    """Fresh boards; they go when the tests are through."""
    made = TestRack("zones", NET, BOARDS)
    made.begin()
    made.configure(describe)
    yield made
    made.end()


def describe(one: Stack) -> None:
    """A load balancer and a worker in each zone."""
    one["helicon:cluster"] |= {
        "endpoint_address": LAN,
        "forward": {"http": {"port": 80, "node_port": 30080}},
    }
    one["helicon:zones"] = {
        "dmz": {"endpoint": "api-dmz.lab.test", "forward": {"http": {"port": 80, "node_port": 30080}}}
    }
    one["helicon:load_balancers"] = {"lb-1": {"address": LAN}, "lb-2": {"address": DMZ, "zone": "dmz"}}
    one["helicon:nodes"] = {
        "cp-1": {"address": f"{NET}.21", "roles": ["control-plane"]},
        "w-1": {"address": f"{NET}.31"},
        "w-2": {"address": f"{NET}.32", "zone": "dmz"},
    }


def test_an_address_used_twice_is_refused(zones: TestRack) -> None:
    """The mistake of the procedure that people follow: before any machine is asked."""
    marks = zones.marks()
    zones.configure(lambda one: one["helicon:nodes"]["w-2"].update({"address": DMZ}))
    text = zones.pulumi("preview", check=False)
    assert "load_balancers.lb-2.address has it already" in text
    assert zones.asked(marks) == dict.fromkeys(BOARDS, 0)
    zones.configure(lambda one: one["helicon:nodes"]["w-2"].update({"address": f"{NET}.32"}))


def test_a_zone_joins_by_its_own_endpoint(zones: TestRack) -> None:
    """Though it cannot get to the other load balancer."""
    zones.root("w-2", "ip", "rule", "add", *NOT_THERE)
    zones.up()
    zones.program.write_kubeconfig()
    assert zones.nodes() == dict.fromkeys(("cp-1", "w-1", "w-2"), True)
    assert "https://api-dmz.lab.test:6443" in zones.root("w-2", "cat", "/etc/kubernetes/kubelet.conf")
    assert "https://api.lab.test:6443" in zones.root("w-1", "cat", "/etc/kubernetes/kubelet.conf")
    marks = zones.marks()
    zones.up()
    assert zones.written(marks) == []


def test_the_kubelet_is_kept_to_it(zones: TestRack) -> None:
    """Pointed elsewhere by hand, it is named and mended."""
    zones.root("w-2", "sed", "-i", "s/api-dmz.lab.test/api.lab.test/", "/etc/kubernetes/kubelet.conf")
    assert "api-dmz.lab.test" in zones.pulumi("preview", "--diff")
    zones.up()
    assert "https://api-dmz.lab.test:6443" in zones.root("w-2", "cat", "/etc/kubernetes/kubelet.conf")


def test_each_load_balancer_forwards_to_its_own_zone(zones: TestRack) -> None:
    """Port 80 of the LAN's reaches the LAN's worker, that of the DMZ's the DMZ's."""
    argv = inside(["kubectl", "apply", "-f", "-"])
    subprocess.run(argv, env=zones.program.environment(), input=ECHO, text=True, check=True)
    for address, worker in ((LAN, "w-1"), (DMZ, "w-2")):
        eventually(f"{worker} answers at {address}", partial(answered, address))
        assert {page(address) for _ in range(6)} == {worker}


def answered(address: str) -> bool:
    """Whether there is a page at all."""
    return page(address) != ""


def page(address: str) -> str:
    """What a load balancer's port 80 shows."""
    argv = inside(["curl", "--silent", "--fail", "--max-time", "3", f"http://{address}/"])
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


def test_one_zone_outlives_the_other_s_load_balancer(zones: TestRack) -> None:
    """With the LAN's load balancer off, the DMZ's kubelet goes on."""
    power.cut(zones.boards["lb-1"])
    said = power.root(
        zones.boards["w-2"],
        *(
            "sh",
            "-c",
            "kubectl --cache-dir /run/x --kubeconfig /etc/kubernetes/kubelet.conf get node w-2 -o name",
        ),
    )
    power.power_on(zones.boards["lb-1"])
    assert "node/w-2" in said


def test_destroy_gives_the_boards_back(zones: TestRack) -> None:
    """The files are as before, but for a short list."""
    zones.kubectl("delete", "daemonset,service", "echo", "--ignore-not-found")
    zones.root("w-2", "ip", "rule", "del", *NOT_THERE)
    zones.destroy()
    left = zones.changed(zones.before, living=False)
    say("\n".join(left))
    assert left == []
