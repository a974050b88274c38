"""When an object counts as ready, what is said meanwhile, and what is said when it never is."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from tests.toolchain.kube_standin import Exchange, StandIn, standing_in
from toolchain.plugins.kubernetes import checks, configuration, readiness
from toolchain.plugins.kubernetes.objects import Object
from toolchain.plugins.kubernetes.readiness import NotReady, Progress, Wait
from toolchain.plugins.kubernetes.session import Session

IN_NS = "/namespaces/ns"


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """A strict server; it must have got everything that the test expected and nothing else."""
    with standing_in() as server:
        yield server
        server.finished()


def waiting(standin: StandIn, seconds: float = 60, log: list[str] | None = None) -> Wait:
    """A wait on the stand-in."""
    options = configuration.options({"kubernetes:config:kubeconfig": standin.kubeconfig()})
    lines = log if log is not None else []
    return Wait(cluster=Session(options).cluster(), seconds=seconds, log=lines.append, cancelled=Event())


def thing(kind: str, api_version: str = "v1", **parts: Any) -> Object:
    """A live object named `a` in the namespace `ns`."""
    metadata = {"name": "a", "namespace": "ns", "uid": "u", **parts.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **parts}


def judged(standin: StandIn, obj: Object) -> Progress:
    """What the check of its kind says of an object."""
    check = checks.check_for(obj)
    assert check is not None
    return check(waiting(standin), obj, None)


def conditions(**states: str) -> list[Object]:
    """Status conditions by type."""
    return [
        {"type": kind, "status": state, "reason": "Why", "message": "because"}
        for kind, state in states.items()
    ]


def expect_list(standin: StandIn, path: str, *items: Object) -> None:
    """Expect that a collection is listed."""
    standin.expect(Exchange(method="GET", path=path, answer={"items": list(items)}))


def deployment(revision: str, generation: int = 1, **states: str) -> Object:
    """A Deployment that its controller has seen at generation 1."""
    return thing(
        "Deployment",
        "apps/v1",
        metadata={"generation": generation, "annotations": {"deployment.kubernetes.io/revision": revision}},
        status={"observedGeneration": 1, "conditions": conditions(**states)},
    )


def replica_set(revision: str, wanted: int, ready: int) -> Object:
    """A ReplicaSet that the Deployment owns."""
    annotations = {"deployment.kubernetes.io/revision": revision}
    metadata = {"namespace": "ns", "uid": "rs", "annotations": annotations, "ownerReferences": [{"uid": "u"}]}
    return {"metadata": metadata, "spec": {"replicas": wanted}, "status": {"readyReplicas": ready}}


SETS = "/apis/apps/v1/namespaces/ns/replicasets"
PODS = "/api/v1/namespaces/ns/pods"


def test_a_deployment_is_ready_when_its_newest_pods_are(standin: StandIn) -> None:
    """Available with the newest ReplicaSet complete; an older ReplicaSet does not count."""
    expect_list(standin, SETS, replica_set("1", 2, 2))
    assert judged(standin, deployment("1", Available="True", Progressing="True")).ready


def test_a_deployment_that_is_seen_too_late_is_not_ready(standin: StandIn) -> None:
    """A status from before the change says nothing."""
    assert not judged(standin, deployment("1", generation=2, Available="True")).ready


def test_a_deployment_with_missing_pods_says_why(standin: StandIn) -> None:
    """What its conditions and its pods complain of is in the problems."""
    expect_list(standin, SETS, replica_set("1", 2, 1))
    pod = {
        "metadata": {"name": "p", "namespace": "ns", "ownerReferences": [{"uid": "rs"}]},
        "status": {
            "conditions": conditions(PodScheduled="True", Initialized="True", Ready="False"),
            "containerStatuses": [
                {"name": "c", "state": {"waiting": {"reason": "ErrImagePull", "message": "no"}}}
            ],
        },
    }
    expect_list(standin, PODS, pod)
    progress = judged(standin, deployment("1", Available="False"))
    assert not progress.ready
    assert progress.status == "Waiting for app ReplicaSet to be available (1/2 Pods available)"
    assert progress.problems == [
        "[Why] because",
        "Minimum number of live Pods was not attained",
        "[Pod ns/p]: because[ErrImagePull] no",
    ]


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({"observedGeneration": 2, "desiredNumberScheduled": 0}, True),
        ({"observedGeneration": 1, "desiredNumberScheduled": 0}, False),
        (
            {
                "observedGeneration": 2, "desiredNumberScheduled": 2, "currentNumberScheduled": 2,
                "updatedNumberScheduled": 2, "numberAvailable": 2, "numberReady": 2,
            },
            True,
        ),
    ],
)  # fmt: skip
def test_a_daemon_set_is_ready_on_all_its_nodes(status: Object, ready: bool, standin: StandIn) -> None:
    """Every node that should have a pod has a ready one of the newest template."""
    obj = thing("DaemonSet", "apps/v1", metadata={"generation": 2}, status=status)
    assert judged(standin, obj).ready is ready


def test_a_daemon_set_says_how_far_it_is(standin: StandIn) -> None:
    """The first count that is behind is shown."""
    status = {"desiredNumberScheduled": 3, "currentNumberScheduled": 3, "updatedNumberScheduled": 1}
    expect_list(standin, PODS)
    progress = judged(standin, thing("DaemonSet", "apps/v1", status=status))
    assert (progress.ready, progress.status) == (False, "Updated: 1/3")


@pytest.mark.parametrize(("revision", "ready"), [("new", True), ("old", False)])
def test_a_stateful_set_is_ready_in_its_newest_revision(revision: str, ready: bool, standin: StandIn) -> None:
    """All replicas run, and they run what was asked for last."""
    counts = {"replicas": 1, "readyReplicas": 1, "currentReplicas": 1}
    status = {"observedGeneration": 1, "currentRevision": revision, "updateRevision": "new", **counts}
    obj = thing("StatefulSet", "apps/v1", metadata={"generation": 1}, spec={"replicas": 1}, status=status)
    if not ready:
        expect_list(standin, PODS)
    assert judged(standin, obj).ready is ready


@pytest.mark.parametrize(
    ("status", "ready", "failed"),
    [
        ({}, False, False),
        ({"startTime": "now", "conditions": conditions(Complete="True")}, True, False),
        ({"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}, False, True),
    ],
)
def test_a_job_is_ready_when_it_is_complete(
    status: Object, ready: bool, failed: bool, standin: StandIn
) -> None:
    """A job that has failed for good is not waited for any longer."""
    if failed:
        expect_list(standin, PODS)
    progress = judged(standin, thing("Job", "batch/v1", status=status))
    assert (progress.ready, progress.failed) == (ready, failed)


def service(**spec: Any) -> Object:
    """A Service that selects pods."""
    return thing("Service", spec={"selector": {"app": "a"}, **spec})


def expect_endpoints(standin: StandIn, *subsets: Object) -> None:
    """Expect that the Service's endpoints are asked for."""
    path = f"/api/v1{IN_NS}/endpoints/a"
    standin.expect(Exchange(method="GET", path=path, answer={"subsets": list(subsets)}))


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"type": "ExternalName"}, {"selector": {}}])
def test_a_service_without_own_endpoints_is_ready_at_once(spec: Object, standin: StandIn) -> None:
    """Headless, external and selector-less services wait for no pods."""
    assert judged(standin, service(**spec)).ready


def test_a_service_waits_for_pending_pods(standin: StandIn) -> None:
    """Endpoints that are not ready hold it back, even once its time is up."""
    expect_endpoints(standin, {"addresses": [{}], "notReadyAddresses": [{}]})
    progress = judged(standin, service())
    assert (progress.ready, progress.acceptable) == (False, False)


def test_a_service_is_ready_once_its_endpoints_have_settled(standin: StandIn) -> None:
    """Ready endpoints must stay the same for a moment; a look that sees others starts that moment anew."""
    wait = waiting(standin)
    ready: Object = {"addresses": [{}]}
    check = checks.check_for(service())
    assert check is not None
    expect_endpoints(standin, ready)
    assert not check(wait, service(), None).ready
    for version in wait.settled:
        wait.settled[version] -= 5
    expect_endpoints(standin, ready)
    assert check(wait, service(), None).ready
    expect_endpoints(standin, {"addresses": [{}, {}]})
    assert not check(wait, service(), None).ready


@pytest.mark.parametrize(
    ("annotation", "status", "ready"),
    [
        ("condition=Synced", {"conditions": conditions(Synced="True")}, True),
        ("condition=Synced=False", {"conditions": conditions(Synced="True")}, False),
        ("jsonpath={.status.phase}=Up", {"phase": "Up"}, True),
        ("jsonpath={.status.phase}", {}, False),
        ('["condition=A", "condition=B"]', {"conditions": conditions(A="True", B="False")}, False),
    ],
)
def test_an_annotation_says_what_to_wait_for(
    annotation: str, status: Object, ready: bool, standin: StandIn
) -> None:
    """`pulumi.com/waitFor` names conditions and paths, alone or in a list."""
    obj = thing("Widget", "g.example.test/v1", metadata={"annotations": {"pulumi.com/waitFor": annotation}})
    assert judged(standin, {**obj, "status": status}).ready is ready


def test_an_unreadable_annotation_is_an_error() -> None:
    """What cannot be waited for is not silently ignored."""
    with pytest.raises(checks.BadWaitFor, match="expected"):
        checks.check_for(thing("Widget", metadata={"annotations": {"pulumi.com/waitFor": "moon"}}))


def test_waiting_shows_progress_and_ends_with_the_reasons(standin: StandIn) -> None:
    """A wait that runs out carries the last reading and what keeps it."""
    log: list[str] = []
    obj = thing("Namespace")
    standin.expect(Exchange(method="GET", path="/api/v1/namespaces/a", answer=obj))

    def never(wait: Wait, live: Object, before: Object | None) -> Progress:
        return Progress(ready=False, status="not yet", problems=["this"])

    with pytest.raises(NotReady, match="'a' timed out waiting to be Ready") as caught:
        readiness.until_ready(waiting(standin, 0, log), obj, None, never)
    assert (log, caught.value.reasons, caught.value.live) == (["not yet"], ["this"], obj)


def test_what_is_good_enough_is_taken_when_the_time_is_up(standin: StandIn) -> None:
    """A Service without endpoints counts as ready in the end."""
    obj = thing("Namespace")
    standin.expect(Exchange(method="GET", path="/api/v1/namespaces/a", answer=obj))

    def nearly(wait: Wait, live: Object, before: Object | None) -> Progress:
        return Progress(ready=False, acceptable=True)

    assert readiness.until_ready(waiting(standin, 0), obj, None, nearly) == obj


def test_an_object_that_stays_names_its_finalizers(standin: StandIn) -> None:
    """A delete that does not end says what may keep the object."""
    obj = thing("ConfigMap", metadata={"finalizers": ["mine/one"]})
    standin.expect(Exchange(method="GET", path=f"/api/v1{IN_NS}/configmaps/a", answer=obj))
    with pytest.raises(NotReady) as caught:
        readiness.until_gone(waiting(standin, 0), obj, {})
    assert caught.value.reasons == ["finalizers might be preventing deletion (mine/one)"]


def test_a_namesake_is_not_the_object(standin: StandIn) -> None:
    """An object made anew under the same name means that the old one is gone."""
    path = f"/api/v1{IN_NS}/configmaps/a"
    standin.expect(Exchange(method="GET", path=path, answer=thing("ConfigMap", metadata={"uid": "other"})))
    readiness.until_gone(waiting(standin), thing("ConfigMap"), {})


@pytest.mark.parametrize(
    ("option", "annotations", "seconds"),
    [(0, {}, 600), (7, {"pulumi.com/timeoutSeconds": "5"}, 7), (0, {"pulumi.com/timeoutSeconds": "5"}, 5)],
)
def test_the_time_to_wait_can_be_set(option: float, annotations: dict[str, str], seconds: float) -> None:
    """The resource's option goes before the annotation, and that before the default."""
    assert readiness.seconds_for(option, thing("Pod", metadata={"annotations": annotations})) == seconds
