"""Leaving a cluster: gently where it lives on, at once where it goes."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from providers.core.errors import Refused
from providers.core.host import Host
from providers.core.journal import Journal
from providers.core.thing import Site
from providers.membership import kubeadm_reset, leaving
from providers.membership.admin import LOOK
from tests.fake_host import Answer, Command, FakeHost, pattern

KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/helicon-kubectl"
MEMBER = "test -e /etc/kubernetes/kubelet.conf"
MARK = "test -e /var/lib/helicon/formed"
READY = "yes\nyes\nok"
DISSOLVED = "yes\nno\nok"


class Rack:
    """A rack of strict machines."""

    def __init__(self, hosts: Sequence[FakeHost], configured: Sequence[str]) -> None:
        self._hosts = {host.name: host for host in hosts}
        self._configured = configured

    def control_planes(self) -> Sequence[str]:
        """Every machine here whose name says so."""
        return [name for name in self._hosts if name.startswith("cp")]

    def configured(self, machine: str) -> bool:
        """Whether the stack file still lists it."""
        return machine in self._configured

    def host(self, machine: str) -> Host:
        """The strict machine."""
        return self._hosts[machine]


def say(command: str, out: str = "", exit: int = 0) -> Command:
    """One expected command."""
    return Command(argv=pattern(command), answer=Answer(out=out, exit=exit))


def look(out: str) -> Command:
    """A control plane that is asked how it is."""
    return Command(argv=("sh", "-c", LOOK, "*", "*", "*"), answer=Answer(out=out))


def etcd_pods(**ready: bool) -> str:
    """kubectl's list of etcd pods by node."""
    conditions = {name: [{"type": "Ready", "status": str(fine)}] for name, fine in ready.items()}
    items = [
        {
            "metadata": {"name": f"etcd-{name.replace('_', '-')}"},
            "spec": {"nodeName": name.replace("_", "-")},
            "status": {"conditions": conditions[name]},
        }
        for name in ready
    ]
    return json.dumps({"items": items})


def site(host: FakeHost, others: Sequence[FakeHost], *, configured: bool) -> Site:
    """A machine among others."""
    rack = Rack([*others, host], [host.name] if configured else [])
    return Site(host=host, journal=Journal(host), rack=rack, leaving=True)


PODS = f"{KUBECTL} get pods -n kube-system -l component=etcd -o json"
RESET = "<kubeadm_reset.reset> all"
TEARDOWN = "<kubeadm_reset.reset> teardown"


def test_a_worker_taken_out_of_the_configuration_is_drained_first() -> None:
    """Drain, reset, then its Node object goes; nobody waits for a teardown that cannot be one."""
    worker = FakeHost(
        "w-1", commands=[say(MEMBER), say(MARK, exit=1), say(RESET), say("rm -f /var/lib/helicon/formed")]
    )
    drain = f"{KUBECTL} drain w-1 --ignore-daemonsets --delete-emptydir-data --force --timeout=300s"
    asked = [
        look(READY),
        look(READY),
        say(PODS, etcd_pods(cp_1=True)),
        say(f"{KUBECTL} get node w-1"),
        say(drain),
    ]
    forgotten = [
        look(READY),
        say(PODS, etcd_pods(cp_1=True)),
        say(f"{KUBECTL} delete node w-1 --ignore-not-found --wait=false"),
    ]
    peer = FakeHost("cp-1", commands=[*asked, *forgotten])
    leaving.leave(site(worker, [peer], configured=False), {"node_name": "w-1"})
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
    peer = FakeHost("cp-2", commands=[look(READY), say(PODS, etcd_pods(cp_1=True, cp_2=True, cp_3=False))])
    with pytest.raises(Refused, match=r"expected 2 other healthy members, found 1 \(cp-2\)"):
        leaving.leave(site(leaver, [peer], configured=False), {"node_name": "cp-1"})
    leaver.finish()
    peer.finish()


def test_without_an_api_a_single_machine_does_not_leave() -> None:
    """The refusal names the setting for the case that the whole rack goes."""
    worker = FakeHost("w-1", commands=[say(MEMBER), say(MARK, exit=1)])
    peer = FakeHost("cp-1", commands=[look("yes\nyes"), look("yes\nyes")])
    with pytest.raises(Refused, match="HELICON_TEARDOWN=1"):
        leaving.leave(site(worker, [peer], configured=False), {"node_name": "w-1"})
    worker.finish()
    peer.finish()


def test_a_dead_control_plane_takes_its_etcd_member_along() -> None:
    """An abandoned board cannot be asked: its member is removed through a healthy peer."""
    listed = "8e9e05c52164694d, started, cp-1, https://a:2380, https://a:2379, false\n"
    etcdctl = f"{KUBECTL} exec -n kube-system etcd-cp-2 -- etcdctl --endpoints=https://127.0.0.1:2379"
    etcdctl += "".join(
        f" --{option}=/etc/kubernetes/pki/etcd/{name}"
        for option, name in (("cacert", "ca.crt"), ("cert", "server.crt"), ("key", "server.key"))
    )
    commands = [
        look(READY),
        say(PODS, etcd_pods(cp_1=False, cp_2=True, cp_3=True)),
        say(f"{etcdctl} member list", listed),
        say(f"{etcdctl} member remove 8e9e05c52164694d"),
        say(f"{KUBECTL} delete node cp-1 --ignore-not-found --wait=false"),
    ]
    peer = FakeHost("cp-2", commands=commands)
    leaving.abandon(Rack([peer], ["cp-1", "cp-2"]), "cp-1", "cp-1")
    peer.finish()


def test_reset_keeps_the_program_s_own_certificates_for_another_attempt() -> None:
    """The script is told so by its argument."""
    host = FakeHost("cp-1", commands=[say("<kubeadm_reset.reset> keep-pki")])
    kubeadm_reset.reset(site(host, [], configured=True), keep_pki=True)
    host.finish()
