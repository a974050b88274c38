"""Leaving a cluster: gently where it lives on, at once where it goes, and only while it keeps its quorum."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from providers.core.errors import Refused, Unobservable
from providers.core.journal import Journal
from providers.core.thing import Site
from providers.membership import kubeadm_reset, leaving
from providers.membership.admin import LOOK, Admin
from providers.membership.etcd_members import check_quorum, parse_members
from providers.membership.remains import forget_member
from tests.fake_host import Answer, Command, FakeHost, pattern
from tests.scenarios import FakeRack

KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/helicon-kubectl"
MEMBER = "test -e /etc/kubernetes/kubelet.conf"
MARK = "test -e /var/lib/helicon/formed"
READY = "yes\nyes\nok"
DISSOLVED = "yes\nno\nok"


def say(command: str, out: str = "", exit: int = 0) -> Command:
    """One expected command."""
    return Command(argv=pattern(command), answer=Answer(out=out, exit=exit))


def look(out: str) -> Command:
    """A control plane that is asked how it is."""
    return Command(argv=("sh", "-c", LOOK, "*", "*", "*"), answer=Answer(out=out))


def etcd_pods(*names: str) -> str:
    """kubectl's list of etcd pods."""
    items = [
        {
            "metadata": {"name": f"etcd-{name}"},
            "spec": {"nodeName": name},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }
        for name in names
    ]
    return json.dumps({"items": items})


def etcd(by: str, healthy: Sequence[str], silent: Sequence[str] = (), leader: str = "") -> list[Command]:
    """etcdctl in a pod: its members, and what those that answer say of themselves."""
    numbers = {name: int(name[-1]) + 9 for name in [*healthy, *silent]}
    first = numbers[leader or healthy[0]] if healthy else 0
    members = [
        {
            "ID": number,
            "name": name,
            "peerURLs": [f"https://{name}.test:2380"],
            "clientURLs": [f"https://{name}.test:2379"],
        }
        for name, number in numbers.items()
    ]
    status = [{"Status": {"header": {"member_id": numbers[name]}, "leader": first}} for name in healthy]
    control = etcdctl(by)
    return [
        say(f"{control} member list -w json", json.dumps({"members": members})),
        say(f"{control} endpoint status --cluster -w json", json.dumps(status), exit=1 if silent else 0),
    ]


def etcdctl(by: str, endpoint: str = "https://127.0.0.1:2379") -> str:
    """The beginning of a command of etcdctl in a pod."""
    files = {"cacert": "ca.crt", "cert": "server.crt", "key": "server.key"}
    options = [f"--{option}=/etc/kubernetes/pki/etcd/{name}" for option, name in files.items()]
    words = ["etcdctl", "--command-timeout=10s", *options, f"--endpoints={endpoint}"]
    return f"{KUBECTL} exec -n kube-system etcd-{by} -- {' '.join(words)}"


def node(name: str, *, ready: bool = True) -> Command:
    """The Node object is read."""
    conditions = [{"type": "Ready", "status": str(ready)}]
    one = {"metadata": {"name": name}, "spec": {}, "status": {"conditions": conditions}}
    command = f"{KUBECTL} get nodes --field-selector=metadata.name={name} -o json"
    return say(command, json.dumps({"items": [one]}))


def drain(name: str, *more: str) -> Command:
    """The node is drained for good."""
    words = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", *more, "--timeout=300s"]
    return say(f"{KUBECTL} drain {name} {' '.join(words)}")


def forgotten(name: str) -> Command:
    """The Node object goes."""
    return say(f"{KUBECTL} delete node {name} --ignore-not-found --wait=false")


def site(host: FakeHost, others: Sequence[FakeHost], *, configured: bool) -> Site:
    """A machine among others."""
    rack = FakeRack({one.name: one for one in (*others, host)}, [host.name] if configured else [])
    return Site(host=host, journal=Journal(host), rack=rack, leaving=True)


PODS = f"{KUBECTL} get pods -n kube-system -l component=etcd -o json"
TEARDOWN = "<kubeadm_reset.reset> teardown"


def test_a_worker_taken_out_of_the_configuration_is_drained_first() -> None:
    """Drained, forgotten, reset; nobody waits for a teardown that cannot be one."""
    left = say("<kubeadm_reset.reset> all")
    worker = FakeHost(
        "w-1", commands=[say(MEMBER), say(MARK, exit=1), left, say("rm -f /var/lib/helicon/formed")]
    )
    commands = [look(READY), look(READY), node("w-1"), drain("w-1"), forgotten("w-1")]
    peer = FakeHost("cp-1", commands=commands)
    leaving.leave(site(worker, [peer], configured=False), {"node_name": "w-1", "role": "worker"})
    worker.finish()
    peer.finish()


def test_a_control_plane_hands_over_before_it_is_reset() -> None:
    """Its API server stops, the leader of etcd hands on and its member goes, then its Node object, then the board."""
    commands = [
        say(MEMBER),
        say(MARK),
        say("<handing_over.stop_api> /var/lib/helicon/departing"),
        say("<kubeadm_reset.reset> left"),
        say("rm -f /var/lib/helicon/formed"),
    ]
    leaver = FakeHost("cp-1", commands=commands)
    three = ["cp-1", "cp-2", "cp-3"]
    helped = [
        look(READY),
        say(PODS, etcd_pods(*three)),
        *etcd("cp-2", three),
        node("cp-1"),
        drain("cp-1"),
        say(PODS, etcd_pods(*three)),
        *etcd("cp-2", three),
        *etcd("cp-2", three)[1:],
        say(f"{etcdctl('cp-2', 'https://cp-1.test:2379')} move-leader b"),
        say(f"{etcdctl('cp-2')} member remove a"),
        forgotten("cp-1"),
    ]
    peer = FakeHost("cp-2", commands=helped)
    leaving.leave(site(leaver, [peer], configured=False), {"node_name": "cp-1", "role": "control-plane"})
    leaver.finish()
    peer.finish()


def test_a_node_that_is_silent_is_not_waited_for() -> None:
    """Nobody ends its pods."""
    worker = FakeHost(
        "w-1",
        commands=[
            say(MEMBER),
            say(MARK, exit=1),
            say("<kubeadm_reset.reset> all"),
            say("rm -f /var/lib/helicon/formed"),
        ],
    )
    gone = drain("w-1", "--skip-wait-for-delete-timeout=1")
    peer = FakeHost(
        "cp-1", commands=[look(READY), look(READY), node("w-1", ready=False), gone, forgotten("w-1")]
    )
    leaving.leave(site(worker, [peer], configured=False), {"node_name": "w-1", "role": "worker"})
    worker.finish()
    peer.finish()


def test_a_rack_that_is_torn_down_is_reset_without_draining() -> None:
    """Once the formation has taken its mark off the control planes, nothing is left to protect."""
    worker = FakeHost(
        "w-1", commands=[say(MEMBER), say(MARK, exit=1), say(TEARDOWN), say("rm -f /var/lib/helicon/formed")]
    )
    peer = FakeHost("cp-1", commands=[look(DISSOLVED)])
    leaving.leave(site(worker, [peer], configured=True), {"node_name": "w-1"})
    worker.finish()
    peer.finish()


def test_the_user_can_say_that_it_is_a_teardown(monkeypatch: pytest.MonkeyPatch) -> None:
    """With HELICON_TEARDOWN=1 no control plane is even asked."""
    monkeypatch.setenv(leaving.TEARDOWN, "1")
    worker = FakeHost("w-1", commands=[say(TEARDOWN), say("rm -f /var/lib/helicon/formed")])
    leaving.leave(site(worker, [], configured=True), {})
    worker.finish()


def test_an_etcd_member_stays_when_the_rest_would_lose_the_quorum() -> None:
    """Of three members one is down: removing a second healthy one is refused, and nothing is reset."""
    leaver = FakeHost("cp-1", commands=[say(MEMBER), say(MARK)])
    commands = [
        look(READY),
        say(PODS, etcd_pods("cp-1", "cp-2", "cp-3")),
        *etcd("cp-2", ["cp-1", "cp-2"], ["cp-3"]),
    ]
    peer = FakeHost("cp-2", commands=commands)
    with pytest.raises(Refused, match=r"expected 2 other healthy members.* found 1 \(cp-2\)"):
        leaving.leave(site(leaver, [peer], configured=False), {"node_name": "cp-1"})
    leaver.finish()
    peer.finish()


def test_a_dead_member_may_go_while_the_others_are_a_majority() -> None:
    """Its pod is listed as ready for a while; etcd knows better, and is asked through another pod."""
    members = parse_members(
        json.dumps({"members": [{"ID": one, "name": f"cp-{one}"} for one in (1, 2, 3)]}),
        json.dumps([{"Status": {"header": {"member_id": one}, "leader": 2}} for one in (2, 3)]),
    )
    assert [one.healthy for one in members] == [False, True, True]
    check_quorum(members, "cp-1")
    with pytest.raises(Refused, match="found 1 "):
        check_quorum(members, "cp-2")


@pytest.mark.parametrize(
    ("members", "silent", "fine"), [(1, 0, False), (2, 0, True), (2, 1, False), (3, 0, True)]
)
def test_the_majority_of_those_that_stay_decides(members: int, silent: int, fine: bool) -> None:
    """Of two both must be there, or the one that stays is not the healthy one."""
    numbers = range(1, members + 1)
    listed = json.dumps({"members": [{"ID": one, "name": f"cp-{one}"} for one in numbers]})
    status = [{"Status": {"header": {"member_id": one}, "leader": 1}} for one in numbers[: members - silent]]
    found = parse_members(listed, json.dumps(status))
    if fine:
        check_quorum(found, "cp-1")
    else:
        with pytest.raises(Refused):
            check_quorum(found, "cp-1")


def test_without_an_api_a_single_machine_does_not_leave() -> None:
    """The refusal names the setting for the case that the whole rack goes."""
    worker = FakeHost("w-1", commands=[say(MEMBER), say(MARK, exit=1)])
    peer = FakeHost("cp-1", commands=[look("yes\nyes"), look("yes\nyes")])
    with pytest.raises(Refused, match="HELICON_TEARDOWN=1"):
        leaving.leave(site(worker, [peer], configured=False), {"node_name": "w-1", "role": "worker"})
    worker.finish()
    peer.finish()


def test_a_dead_control_plane_takes_its_etcd_member_along() -> None:
    """An abandoned board cannot be asked: its member is removed through a healthy peer."""
    three = ["cp-1", "cp-2", "cp-3"]
    commands = [
        look(READY),
        say(PODS, etcd_pods(*three)),
        *etcd("cp-2", three[1:], three[:1]),
        say(f"{etcdctl('cp-2')} member remove a"),
        forgotten("cp-1"),
    ]
    peer = FakeHost("cp-2", commands=commands)
    leaving.abandon(FakeRack({peer.name: peer}, ["cp-1", "cp-2"]), "cp-1", "cp-1")
    peer.finish()


def test_members_are_asked_in_turn_until_one_answers() -> None:
    """Where nothing is left of the board, one listing is all that it costs."""
    silent = say(f"{etcdctl('cp-2')} member list -w json", exit=1)
    commands = [
        say(PODS, etcd_pods("cp-1", "cp-2", "cp-3")),
        silent,
        etcd("cp-3", ["cp-2", "cp-3"])[0],
    ]
    peer = FakeHost("cp-2", commands=commands)
    forget_member(Admin(peer), "cp-1", "10.0.0.11")
    peer.finish()


def test_where_no_member_answers_nothing_is_concluded() -> None:
    """Not even that a board which was given up has left nothing behind; the error names those that were asked."""
    commands = [say(PODS, etcd_pods("cp-1", "cp-2")), say(f"{etcdctl('cp-2')} member list -w json", exit=1)]
    peer = FakeHost("cp-2", commands=[look(READY), *commands])
    with pytest.raises(Unobservable, match="none of etcd-cp-2 answers"):
        leaving.abandon(FakeRack({peer.name: peer}, ["cp-2"]), "cp-1", "cp-1")
    peer.finish()


def test_a_member_is_not_left_behind_where_the_cluster_cannot_be_asked() -> None:
    """Else etcd would count a board for ever that nobody manages any more."""
    peer = FakeHost("cp-2", commands=[look("yes\nyes"), look("yes\nyes")])
    with pytest.raises(Refused, match="HELICON_TEARDOWN=1"):
        leaving.abandon(FakeRack({peer.name: peer}, ["cp-2"]), "cp-1", "cp-1")
    peer.finish()


def test_nothing_is_left_to_abandon_where_no_cluster_lives() -> None:
    """Neither in a teardown nor where it never became ready."""
    peer = FakeHost("cp-2", commands=[look("yes\nno"), look("yes\nno")])
    leaving.abandon(FakeRack({peer.name: peer}, ["cp-2"]), "cp-1", "cp-1")
    peer.finish()


def test_reset_keeps_the_program_s_own_certificates_for_another_attempt() -> None:
    """The script is told so by its argument."""
    host = FakeHost("cp-1", commands=[say("<kubeadm_reset.reset> keep-pki")])
    kubeadm_reset.reset(site(host, [], configured=True), keep_pki=True)
    host.finish()
