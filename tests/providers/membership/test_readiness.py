"""The proof that the cluster works: what is waited for, and how what never comes is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.core.errors import StillDiffers
from providers.membership import readiness
from tests.fake_host import ANY, Answer, Command, FakeHost, pattern
from tests.providers.membership.test_leaving import READY, look
from tests.scenarios import FakeRack

WANTED = {
    "nodes": ["cp-1"],
    "probe_image": "busybox",
    "service_ip": "10.96.0.1",
    "dns_name": "x",
    "timeout": 60,
}
KUBECTL = f"kubectl {ANY} {ANY} {ANY} {ANY}"
NEWS = f"{KUBECTL} wait --for=condition=Ready --timeout=5s"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses."""
    monkeypatch.setattr(readiness, "POLL", 0.0)


def kubectl(words: str, *items: dict[str, Any], exit_status: int = 0) -> Command:
    """One call, and the objects that it returns."""
    answer = Answer(out=json.dumps({"items": items}), exit=exit_status)
    return Command(argv=pattern(f"{KUBECTL} {words}"), answer=answer, stdin=ANY if "apply" in words else "")


def thing(name: str, *, ready: bool, space: str = "kube-system", app: str = "") -> dict[str, Any]:
    """A node or a pod."""
    condition = {"type": "Ready", "status": str(ready)}
    return {
        "metadata": {"name": name, "namespace": space, "labels": {"app": app}},
        "spec": {"nodeName": "cp-1"},
        "status": {"conditions": [condition]},
    }


def probe(*, ready: bool) -> dict[str, Any]:
    """The pod that asks for DNS and the service IP."""
    return thing("probe-1", ready=ready, app=readiness.PROBE)


BEGIN = [
    look(READY),
    kubectl("get nodes --request-timeout=20s -o json", thing("cp-1", ready=True)),
    look(READY),
]
BEGIN_PROBE = [kubectl("apply -f -"), look(READY)]
END_PROBE = kubectl("-n kube-system delete daemonset helicon-readiness --wait=false")


def pods(*items: dict[str, Any], exit_status: int = 0) -> Command:
    """All pods."""
    return kubectl("get pods -A --request-timeout=20s -o json", *items, exit_status=exit_status)


def news(words: str) -> Command:
    """The API asked to tell of a change; that none came in time is no error."""
    return Command(argv=pattern(f"{NEWS} {words}"), answer=Answer(exit=1))


def test_the_api_is_asked_to_tell_and_the_same_control_plane_is_asked_again() -> None:
    """Pods of others do not count; a probe that is not ready names its node."""
    of_others = thing("own", ready=False, space="default")
    host = FakeHost(
        commands=[
            look(READY),
            kubectl("get nodes --request-timeout=20s -o json", thing("cp-1", ready=False)),
            news("node/cp-1"),
            kubectl("get nodes --request-timeout=20s -o json", thing("cp-1", ready=True)),
            look(READY),
            *BEGIN_PROBE,
            pods(thing("coredns", ready=False), of_others),
            news("--namespace kube-system pod/coredns"),
            pods(thing("coredns", ready=True), probe(ready=False), of_others),
            news("--namespace kube-system pod/probe-1"),
            pods(thing("coredns", ready=True), probe(ready=True), of_others),
            END_PROBE,
        ]
    )
    said: list[str] = []
    readiness.verify(FakeRack({"cp-1": host}), WANTED, said.append)
    host.finish()
    assert said == [
        "waiting for nodes: cp-1",
        "waiting for system pods and services: coredns, service IP and DNS on cp-1",
        "waiting for system pods and services: service IP and DNS on cp-1",
    ]


def test_a_control_plane_that_fails_is_no_longer_asked() -> None:
    """Another one is looked for, and what it said is told."""
    first = FakeHost(
        "cp-1", commands=[*BEGIN, *BEGIN_PROBE, pods(exit_status=1), look("yes\nyes"), END_PROBE]
    )
    second = FakeHost("cp-2", commands=[look(READY), pods(probe(ready=True))])
    said: list[str] = []
    readiness.verify(FakeRack({"cp-1": first, "cp-2": second}), WANTED, said.append)
    first.finish()
    second.finish()
    assert len(said) == 1 and "get pods" in said[0]


def test_what_never_comes_is_named_and_the_probe_goes() -> None:
    """All that is missing, at once."""
    host = FakeHost(
        commands=[*BEGIN, *BEGIN_PROBE, pods(thing("coredns", ready=False), probe(ready=False)), END_PROBE]
    )
    with pytest.raises(StillDiffers, match="coredns; service IP and DNS on cp-1"):
        readiness.verify(FakeRack({"cp-1": host}), {**WANTED, "timeout": -1})
    host.finish()
