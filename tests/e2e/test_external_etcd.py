"""A rack whose etcd has machines of its own, and two control planes that share the endpoint's address.

The tests build on each other, in this order, on one rack.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial

import pytest

from lab.boards import __main__ as boards
from lab.boards import files, power
from lab.shell import say
from tests.e2e.probing import Probing, Writing
from tests.e2e.rack import Stack, TestRack, eventually

pytestmark = pytest.mark.lab
NET = "10.128.0"
BOARDS = dict.fromkeys(("cp-1", "cp-2", "w-1", "w-2", "w-3", "w-4"), "")
VIP, PORT = f"{NET}.241", 8443
LONGEST = 3.0
"""Seconds that the endpoint may be away when the control plane dies that has the address."""
LONGEST_WRITE = 5.0
"""Seconds that writes may fail while a member is away or another one comes."""
API_MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
MEMBERS = """
id=$(ctr -n k8s.io tasks list | awk '$3 == "RUNNING" {print $1}' | while read -r one; do
  ctr -n k8s.io containers info "$one" | grep -q '"io.kubernetes.container.name": "etcd"' && echo "$one"
done)
pki=/etc/kubernetes/pki/etcd
ctr -n k8s.io tasks exec --exec-id "look-$$" "$id" etcdctl --endpoints=https://127.0.0.1:2379 --cacert=$pki/ca.crt \
  --cert=$pki/healthcheck-client.crt --key=$pki/healthcheck-client.key member list -w json
"""


@pytest.fixture(scope="module")
def rack_with_etcd() -> Iterator[TestRack]:
    """Fresh boards; they go when the tests are through."""
    made = TestRack("etcd", NET, BOARDS)
    made.begin()
    made.configure(describe)
    yield made
    made.end()


def describe(one: Stack) -> None:
    """Three members, two control planes with HAProxy and keepalived beside the API server, no other machine."""
    cluster = one["helicon:cluster"]
    del cluster["endpoint_address"], one["helicon:load_balancers"]
    cluster |= {"endpoint_port": PORT, "vip": {"address": VIP, "on": "control-planes"}}
    cluster["schedulable_control_planes"] = True
    one["helicon:authority"] = {"kubelet_serving": "signed"}
    one["helicon:etcd_members"] = {name: member(name) for name in ("w-1", "w-2", "w-3")}
    one["helicon:nodes"] = {
        name: {"address": f"{NET}.2{name[-1]}", "roles": ["control-plane"]} for name in ("cp-1", "cp-2")
    }


def member(name: str) -> Stack:
    """A member of the stack file."""
    return {"address": f"{NET}.3{name[-1]}"}


def voters(rack: TestRack, asked: str) -> list[str]:
    """The names of the members that have a vote, as one of them says."""
    said = json.loads(rack.root(asked, "sh", "-c", MEMBERS))
    return sorted(one["name"] for one in said["members"] if not one.get("isLearner"))


def all_vote(rack: TestRack, asked: str) -> bool:
    """Whether all three have a vote."""
    return len(voters(rack, asked)) == 3


def settled(rack: TestRack) -> None:
    """An `up` writes nothing."""
    marks = rack.marks()
    rack.up()
    assert rack.written(marks) == []


def test_up_builds_it(rack_with_etcd: TestRack) -> None:
    """Three voters on machines of their own, none among the pods; a second up writes nothing."""
    rack = rack_with_etcd
    rack.up()
    rack.program.write_kubeconfig()
    assert voters(rack, "w-1") == ["w-1", "w-2", "w-3"]
    pods = rack.kubectl("get", "pods", "--namespace", "kube-system", "-l", "component=etcd", "-o", "name")
    assert pods == ""
    for number in (1, 2, 3):
        assert f"https://{NET}.3{number}:2379" in rack.root("cp-1", "cat", API_MANIFEST)
    settled(rack)


def test_the_address_outlives_the_control_plane_that_has_it(rack_with_etcd: TestRack) -> None:
    """The other one takes it."""
    rack = rack_with_etcd
    (holder,) = [name for name in ("cp-1", "cp-2") if VIP in rack.root(name, "ip", "-4", "address")]
    with Probing(f"{VIP}:{PORT}") as seen:
        time.sleep(2)
        power.cut(rack.boards[holder])
        time.sleep(8)
        power.power_on(rack.boards[holder])
        eventually("both API servers", lambda: rack.api_ready("cp-1") and rack.api_ready("cp-2"))
    say(str(seen.result))
    assert seen.result.longest < LONGEST, seen.result


def test_kubelets_have_certificates_that_the_cluster_signed(rack_with_etcd: TestRack) -> None:
    """metrics-server checks them, and reads from every node."""
    for number in (1, 2):
        ask = f"openssl s_client -connect {NET}.2{number}:10250 </dev/null | openssl x509 -noout -issuer"
        assert "kubernetes-ca" in rack_with_etcd.root("cp-1", "sh", "-c", ask)  # else it is the kubelet's own
    # metrics-server has just started again with its board, and reads twice before it says anything
    top = partial(rack_with_etcd.kubectl, "top", "nodes")
    eventually("metrics of both nodes", lambda: top().count("cp-") == 2, 240)


def test_it_outlives_a_member(rack_with_etcd: TestRack) -> None:
    """Writes go on while each is off in turn."""
    rack = rack_with_etcd
    for name in ("w-1", "w-2", "w-3"):
        with Writing(rack) as written:
            power.cut(rack.boards[name])
            time.sleep(10)
            power.power_on(rack.boards[name])
        say(f"{name} cut: {written.failed} writes failed, longest time between two {written.longest:.1f} s")
        assert written.longest < LONGEST_WRITE
        assert written.lost() == []
        eventually("three voters again", partial(all_vote, rack, name))


def test_an_option_changes_one_member_at_a_time(rack_with_etcd: TestRack) -> None:
    """Named in the plan; writes go on."""
    rack = rack_with_etcd
    options = {"heartbeat_interval": 200, "election_timeout": 2000}
    rack.configure(lambda one: one["helicon:cluster"].setdefault("etcd", {}).update(options))
    assert "heartbeat-interval" in rack.pulumi("preview", "--diff")
    with Writing(rack) as written:
        rack.up()
    assert written.longest < LONGEST_WRITE
    assert written.lost() == []
    settled(rack)


def test_a_member_is_replaced_by_another(rack_with_etcd: TestRack) -> None:
    """The API servers' list follows, and no object is lost."""
    rack = rack_with_etcd

    def swap(one: Stack) -> None:
        del one["helicon:etcd_members"]["w-1"]
        one["helicon:etcd_members"]["w-4"] = member("w-4")

    rack.configure(swap)
    with Writing(rack) as written:
        rack.up()
    assert written.longest < LONGEST_WRITE
    assert written.lost() == []
    assert voters(rack, "w-2") == ["w-2", "w-3", "w-4"]
    assert f"https://{NET}.34:2379" in rack.root("cp-2", "cat", API_MANIFEST)
    settled(rack)


def test_a_dead_member_is_replaced_at_its_name(rack_with_etcd: TestRack) -> None:
    """Another board, with an empty disk: one up."""
    rack = rack_with_etcd
    board = rack.boards["w-2"]
    power.cut(board)
    boards.up(rack.lab, [board], reset=True)
    rack.before["w-2"] = files.snapshot(board)
    rack.up()
    assert voters(rack, "w-2") == ["w-2", "w-3", "w-4"]
    settled(rack)


def test_destroy_gives_the_boards_back(rack_with_etcd: TestRack) -> None:
    """The files are as before, but for a short list."""
    rack_with_etcd.destroy()
    left = rack_with_etcd.changed(rack_with_etcd.before, living=False)
    say("\n".join(left))
    assert left == []
