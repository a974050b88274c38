"""When a machine may not be restarted, what it is emptied of before, and one that does not come back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.core.errors import HostError, Refused, Unreachable
from providers.core.host import Host
from providers.core.journal import Journal
from providers.core.thing import Site
from providers.system import emptied, restart
from tests.fake_host import Answer, Command, FakeHost, pattern
from tests.local_host import LocalHost
from tests.scenarios import FakeRack

READY = "yes\nyes\nok\n"
LOOK = "<admin.look> * *"
ROLE = "<restart.role>"
BOOT_ID = f"cat {restart.BOOT_ID}"
KUBECTL = "kubectl * * * *"
GET = f"{KUBECTL} get nodes --field-selector=metadata.name=w-1 -o json"
ALL = f"{KUBECTL} get nodes -o json"
DRAIN = f"{KUBECTL} drain w-1 --ignore-daemonsets --delete-emptydir-data --timeout=300s"
NOTE = "/var/lib/helicon/cordoned"
CONTROL_PLANE, WORKER = 'control-plane\n{"node_name": "cp-1"}', 'worker\n{"node_name": "w-1"}'


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting."""
    for name in ("POLL", "DEADLINE", "PEERS_WAIT"):
        monkeypatch.setattr(restart, name, 0.0)
    for name in ("POLL", "READY_WAIT"):
        monkeypatch.setattr(emptied, name, 0.0)


def host(name: str, *commands: tuple[str, Answer]) -> FakeHost:
    """A machine that expects these commands."""
    return FakeHost(name, commands=[Command(argv=pattern(line), answer=answer) for line, answer in commands])


def site(machine: Host, *peers: FakeHost) -> Site:
    """The machine among its peers."""
    return Site(host=machine, journal=Journal(machine), rack=FakeRack({one.name: one for one in peers}))


def ok(line: str, out: str = "") -> tuple[str, Answer]:
    """A command that succeeds."""
    return line, Answer(out=out)


def nodes(*, ready: bool = True, cordoned: bool = False, count: int = 1) -> str:
    """kubectl's list of nodes."""
    conditions = [{"type": "Ready", "status": str(ready)}]
    one: dict[str, Any] = {"metadata": {"name": "w-1"}, "spec": {}, "status": {"conditions": conditions}}
    if cordoned:
        one["spec"]["unschedulable"] = True
    return json.dumps({"items": [one] * count})


STARTED = (
    ok(BOOT_ID, "8d0c"),
    ok("<restart.restart>"),
    ok(BOOT_ID, "f1e2"),
    ok("systemctl is-system-running --wait"),
)


def test_a_worker_is_drained_and_takes_pods_again_when_it_is_ready() -> None:
    """The note on the machine lasts as long as the node is cordoned by us."""
    machine = host("w-1", ok(ROLE, WORKER), ok(f"touch {NOTE}"), *STARTED, ok(f"rm -f {NOTE}"))
    peer = host(
        "cp-1",
        ok(LOOK, READY),
        ok(GET, nodes()),
        ok(ALL, nodes(count=3)),
        ok(f"{KUBECTL} cordon w-1"),
        ok(DRAIN),
        ok(LOOK, READY),
        ok(GET, nodes()),
        ok(LOOK, READY),
        ok(f"{KUBECTL} uncordon w-1"),
    )
    restart.restart(site(machine, peer))
    machine.finish()
    peer.finish()


def test_a_node_that_the_user_cordoned_stays_cordoned() -> None:
    """It is drained all the same."""
    machine = host("w-1", ok(ROLE, WORKER), (f"test -e {NOTE}", Answer(exit=1)), *STARTED)
    peer = host(
        "cp-1",
        ok(LOOK, READY),
        ok(GET, nodes(cordoned=True)),
        ok(ALL, nodes(count=3)),
        ok(DRAIN),
        ok(LOOK, READY),
        ok(GET, nodes(cordoned=True)),
    )
    restart.restart(site(machine, peer))
    machine.finish()
    peer.finish()


def test_pods_that_cannot_be_evicted_keep_the_machine_up() -> None:
    """The node is open again, and the budget in the way is named."""
    said = (
        'error when evicting "db-0" (will retry): Cannot evict pod as it would violate the disruption budget.'
    )
    machine = host("w-1", ok(ROLE, WORKER), ok(f"touch {NOTE}"), ok(f"rm -f {NOTE}"))
    peer = host(
        "cp-1",
        ok(LOOK, READY),
        ok(GET, nodes()),
        ok(ALL, nodes(count=3)),
        ok(f"{KUBECTL} cordon w-1"),
        (
            DRAIN,
            Answer(
                exit=1,
                err=f"node/w-1 already cordoned\n{said}\n{said}\nerror: global timeout reached: 5m0s\n",
            ),
        ),
        ok(f"{KUBECTL} uncordon w-1"),
    )
    with pytest.raises(
        Refused, match=r"db-0.*disruption budget\.; error: global timeout.*kubectl get pdb -A"
    ):
        restart.restart(site(machine, peer))
    machine.finish()
    peer.finish()


def test_a_worker_of_a_cluster_without_an_api_is_not_restarted() -> None:
    """Its pods could not be brought elsewhere; the error says how to do it all the same."""
    machine = host("w-1", ok(ROLE, WORKER))
    peer = host("cp-1", ok(LOOK, "yes\nyes\n"))
    with pytest.raises(Refused, match="systemctl reboot"):
        restart.restart(site(machine, peer))
    machine.finish()


def test_a_load_balancer_and_a_machine_without_a_part_restart_at_once() -> None:
    """Nothing is asked of the cluster."""
    for role in ("load-balancer", "none"):
        machine = host("lb-1", ok(ROLE, role), *STARTED)
        restart.restart(site(machine))
        machine.finish()


def test_a_control_plane_stays_up_while_another_is_down() -> None:
    """etcd would lose its quorum."""
    machine = host("cp-1", (ROLE, Answer(out=CONTROL_PLANE)))
    peer = host("cp-2", (LOOK, Answer(out="yes\nyes\n")))
    with pytest.raises(Refused, match=r"all other control planes ready.*found cp-2 not ready"):
        restart.restart(site(machine, peer))
    machine.finish()
    peer.finish()


def test_one_that_cannot_be_asked_counts_as_down() -> None:
    """It may hold a member of etcd."""
    machine = host("cp-1", (ROLE, Answer(out=CONTROL_PLANE)))
    peer = host("cp-2", (LOOK, Answer(exit=255, err="no route")))
    with pytest.raises(Refused, match="cp-2 unreachable"):
        restart.restart(site(machine, peer))


def test_a_machine_that_never_went_down_is_named() -> None:
    """The same start as before, after the deadline."""
    same = (BOOT_ID, Answer(out="8d0c"))
    machine = host("w-1", (ROLE, Answer(out="none")), same, ("<restart.restart>", Answer()), same)
    with pytest.raises(Unreachable, match=r"started anew within.*found the machine as it ran before"):
        restart.restart(site(machine))
    machine.finish()


def test_a_machine_that_does_not_answer_again_is_named() -> None:
    """With what the last attempt to reach it found."""
    machine = host(
        "w-1",
        (ROLE, Answer(out="none")),
        (BOOT_ID, Answer(out="8d0c")),
        ("<restart.restart>", Answer()),
        (BOOT_ID, Answer(exit=255, err="no route to host")),
    )
    with pytest.raises(Unreachable, match=r"no route to host.*see its console"):
        restart.restart(site(machine))


def test_the_next_control_plane_waits_for_this_one() -> None:
    """A restarted control plane whose API server does not come back ends the row."""
    machine = host(
        "cp-1",
        (ROLE, Answer(out=CONTROL_PLANE)),
        (LOOK, Answer(out="yes\nyes\n")),
        (BOOT_ID, Answer(out="8d0c")),
        ("<restart.restart>", Answer()),
        (BOOT_ID, Answer(out="f1e2")),
        ("systemctl is-system-running --wait", Answer(out="degraded", exit=1)),
        (LOOK, Answer(out="yes\nyes\n")),
    )
    with pytest.raises(HostError, match="API server after the restart: expected ready"):
        restart.restart(site(machine))
    machine.finish()


@pytest.mark.slow
def test_a_machine_is_asked_for_its_part(local_host: LocalHost) -> None:
    """None before it has one; a member's record says under which name it is registered."""
    local_host.stand_in("systemctl")
    ask = ["sh", "-c", restart._ROLE, "role"]
    assert local_host.run(ask).text == "none"
    local_host.run(["sh", "-c", "mkdir -p /run/units/active; : > /run/units/active/haproxy.service"])
    assert local_host.run(ask).text == "load-balancer"
    local_host.write("/etc/kubernetes/kubelet.conf", "")
    local_host.write("/var/lib/helicon/membership.json", '{"node_name": "w-1"}')
    assert local_host.run(ask).text == 'worker\n{"node_name": "w-1"}'
    local_host.write("/etc/kubernetes/admin.conf", "")
    assert local_host.run(ask).text.startswith("control-plane\n")
