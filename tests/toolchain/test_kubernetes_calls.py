"""Create, Read, Update and Delete against recorded objects: the requests sent, and the state that comes of
it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2

from tests.toolchain import replay
from tests.toolchain.kube_standin import Exchange, StandIn, path_of, standing_in
from tests.toolchain.test_kubernetes_replay import calls
from toolchain.plugins.kubernetes.objects import plain
from toolchain.plugins.kubernetes.provider import Kubernetes
from toolchain.plugins.kubernetes.state import live_object
from toolchain.plugins.protocol import Engine, decode, revealed, type_of

CREATED_AS = "pulumi-kubernetes"
NEVER_READY = ("awaited", "awaiteddep")


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """A strict server; it must have got everything that the test expected and nothing else."""
    with standing_in() as server:
        yield server
        server.finished()


@pytest.fixture
def plugin(standin: StandIn) -> Kubernetes:
    """The plugin, configured for the stand-in."""
    made = Kubernetes(Engine(""), "4.32.0")
    replay.ask(made, "Configure", {"variables": {"kubernetes:config:kubeconfig": standin.kubeconfig()}})
    return made


def values(wire: dict[str, Any]) -> dict[str, Any]:
    """A recorded struct as Python values."""
    return decode(json_format.ParseDict(wire, struct_pb2.Struct()))


def recorded_live(wire: dict[str, Any]) -> dict[str, Any]:
    """The object that the real server had answered, out of a recorded state."""
    return live_object(values(wire))


def named(call: replay.Recorded) -> str:
    """The resource's name in the program."""
    return str(call.request["urn"].rpartition("::")[2])


def succeeded(method: str, *, preview: bool = False) -> list[replay.Recorded]:
    """The recorded calls that worked, of objects that were not waited for."""
    found = [
        call for call in calls(method) if not call.error and call.request.get("preview", False) is preview
    ]
    return [call for call in found if named(call) not in NEVER_READY]


def patches(call: replay.Recorded) -> bool:
    """Whether the call is about a patch resource."""
    return type_of(call.request["urn"]).endswith("Patch")


def test_creating_sends_the_inputs_and_keeps_the_servers_answer(plugin: Kubernetes, standin: StandIn) -> None:
    """A create posts the inputs under the shared manager (a patch applies them under its own) and waits no
    longer."""
    found = succeeded("Create")
    assert len(found) >= 25
    for call in found:
        inputs, live = plain(values(call.request["properties"])), recorded_live(call.response["properties"])
        if patches(call):
            query = {"force": str("annotations" in inputs["metadata"]).lower()}
            standin.expect(
                Exchange(method="PATCH", path=path_of(inputs), body=inputs, answer=live, query=query)
            )
        else:
            query = {"fieldManager": CREATED_AS}
            standin.expect(
                Exchange(
                    method="POST",
                    path=path_of(inputs, named=False),
                    body=inputs,
                    answer=live,
                    query=query,
                    status=201,
                )
            )
        if live["kind"] in ("CustomResourceDefinition", "Secret"):
            established = {**live, "status": {"conditions": [{"type": "Established", "status": "True"}]}}
            ready = established if live["kind"] == "CustomResourceDefinition" else live
            standin.expect(Exchange(method="GET", path=path_of(live), answer=ready))
        answer = replay.ask(plugin, "Create", call.request)
        answer.response.get("properties", {}).pop("status", None)
        call.response["properties"].pop("status", None)
        assert replay.same(call, answer), replay.explain(call, answer)


def test_a_preview_of_a_create_is_a_dry_run(plugin: Kubernetes, standin: StandIn) -> None:
    """The server is asked what would come of it, and what it cannot tell stays as the program asked."""
    asked = 0
    for call in succeeded("Create", preview=True):
        if values(call.request["properties"]) == values(call.response.get("properties", {})):
            continue  # unknown, patched or impossible to preview: tested below
        inputs, live = plain(values(call.request["properties"])), recorded_live(call.response["properties"])
        query = {"dryRun": "All", "fieldManager": CREATED_AS}
        path = path_of(inputs, named=False)
        standin.expect(
            Exchange(method="POST", path=path, body=inputs, query=query, answer={**live, "status": {}})
        )
        answer = replay.ask(plugin, "Create", call.request)
        assert replay.same(call, answer), replay.explain(call, answer)
        asked += 1
    assert asked >= 5


@pytest.mark.parametrize(
    "status",
    [
        {"code": 409, "reason": "AlreadyExists", "message": "exists"},
        {"code": 403, "reason": "Forbidden", "message": "no"},
        {"code": 404, "reason": "NotFound", "message": "no namespace", "details": {"kind": "namespaces"}},
    ],
)
def test_a_preview_that_the_server_cannot_make_shows_the_inputs(
    status: dict[str, Any], plugin: Kubernetes, standin: StandIn
) -> None:
    """An object in the way, a missing right and a namespace still to come do not fail a preview."""
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}
    standin.expect(
        Exchange(method="POST", path=path_of(inputs, named=False), status=status["code"], answer=status)
    )
    urn = "urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::a"
    answer = replay.ask(plugin, "Create", {"urn": urn, "properties": inputs, "preview": True})
    assert answer.response == {"properties": inputs}


def test_updating_takes_over_and_applies(plugin: Kubernetes, standin: StandIn) -> None:
    """An update takes the fields of the create over, applies the inputs, and keeps the server's answer."""
    found = succeeded("Update")
    assert len(found) >= 6
    for call in found:
        before, live = recorded_live(call.request["olds"]), recorded_live(call.response["properties"])
        manager = call.request["olds"]["__fieldManager"]
        standin.expect(Exchange(method="GET", path=path_of(before), answer=before))
        if any(one["manager"] == CREATED_AS for one in before["metadata"]["managedFields"]):
            standin.expect(Exchange(method="PATCH", path=path_of(before), answer=before))
        query = {"fieldManager": manager}
        inputs = plain(values(call.request["news"]))
        standin.expect(Exchange(method="PATCH", path=path_of(before), body=inputs, query=query, answer=live))
        answer = replay.ask(plugin, "Update", call.request)
        assert replay.same(call, answer, exact=True), replay.explain(call, answer)


def test_a_refused_update_keeps_the_object_in_the_state(plugin: Kubernetes, standin: StandIn) -> None:
    """The errors of refused and conflicting updates read as the official plugin's."""
    found = [call for call in calls("Update") if call.error]
    assert len(found) >= 3
    for call in found:
        live = recorded_live(call.request["olds"])
        conflict = "had an apply conflict: "
        message = call.error.split(conflict if conflict in call.error else "become live: ")[1]
        code = 409 if conflict in call.error else 422
        standin.expect(Exchange(method="GET", path=path_of(live), answer=live))
        if not call.request.get("preview"):
            managers = [one["manager"] for one in live["metadata"]["managedFields"]]
            if CREATED_AS in managers:
                standin.expect(Exchange(method="PATCH", path=path_of(live), answer=live))
        standin.expect(Exchange(method="PATCH", path=path_of(live), status=code, answer={"message": message}))
        standin.expect(Exchange(method="GET", path=path_of(live), answer=live))
        assert replay.ask(plugin, "Update", call.request).error == call.error


def test_refused_creates_say_why(plugin: Kubernetes, standin: StandIn) -> None:
    """An existing object, an invalid name and a conflict of owners read as the official plugin's."""
    found = [call for call in calls("Create") if call.error and named(call) not in NEVER_READY]
    assert len(found) >= 3
    for call in found:
        inputs = plain(values(call.request["properties"]))
        message = (
            call.error.split("API server: ")[1].split("\n\nThe resource already")[0].split("conflict: ")[-1]
        )
        if patches(call):
            message = call.error.split("had an apply conflict: ")[1]
            answer = {"message": message}
            standin.expect(Exchange(method="PATCH", path=path_of(inputs), status=409, answer=answer))
        else:
            exists = "already exists" in message
            answer = {"message": message, "reason": "AlreadyExists" if exists else "Invalid"}
            path = path_of(inputs, named=False)
            status = 409 if exists else 422
            standin.expect(Exchange(method="POST", path=path, status=status, answer=answer))
            if exists and not call.request.get("preview"):
                standin.expect(Exchange(method="GET", path=path_of(inputs), answer=inputs))
        given = replay.ask(plugin, "Create", call.request)
        expected = replay.Answer({}, call.error)
        assert replay.normalised(given) == replay.normalised(expected)


@pytest.mark.parametrize(
    "status",
    [
        {"code": 404, "reason": "NotFound", "message": 'namespaces "b" not found'},
        {"code": 409, "reason": "AlreadyExists", "message": 'object is being deleted: "a" already exists'},
    ],
)
def test_a_create_waits_for_what_time_mends(
    status: dict[str, Any], plugin: Kubernetes, standin: StandIn
) -> None:
    """A namespace that comes later and a namesake that is going are no errors."""
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}
    path = path_of(inputs, named=False)
    standin.expect(Exchange(method="POST", path=path, status=status["code"], answer=status))
    standin.expect(Exchange(method="POST", path=path, answer=inputs))
    urn = "urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::a"
    assert replay.ask(plugin, "Create", {"urn": urn, "properties": inputs}).response["id"] == "b/a"


def test_a_create_follows_a_namesake_that_went_meanwhile(plugin: Kubernetes, standin: StandIn) -> None:
    """A server that finds the namesake when it writes and not when it explains says nothing of an end."""
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}
    path = path_of(inputs, named=False)
    there = {"code": 409, "reason": "AlreadyExists", "message": 'configmaps "a" already exists'}
    gone = {"code": 404, "reason": "NotFound", "message": 'configmaps "a" not found'}
    standin.expect(Exchange(method="POST", path=path, status=409, answer=there))
    standin.expect(Exchange(method="GET", path=path_of(inputs), status=404, answer=gone))
    standin.expect(Exchange(method="POST", path=path, answer=inputs))
    urn = "urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::a"
    assert replay.ask(plugin, "Create", {"urn": urn, "properties": inputs}).response["id"] == "b/a"


def test_reading_returns_live_inputs_and_outputs(plugin: Kubernetes, standin: StandIn) -> None:
    """Refresh, get and import give the recorded state; an object that is gone gives an empty answer."""
    found = calls("Read")
    assert len(found) >= 20
    for call in found:
        gone = not call.response.get("id")
        source = call.request["properties"] if gone else call.response["properties"]
        live = recorded_live(source)
        answer = {"message": "not found"} if gone else live
        standin.expect(Exchange(method="GET", path=path_of(live), answer=answer, status=404 if gone else 200))
        given = replay.ask(plugin, "Read", call.request)
        assert replay.same(call, given), replay.explain(call, given)


def test_an_empty_read_means_gone(plugin: Kubernetes, standin: StandIn) -> None:
    """A server that does not know the object says that it is gone."""
    urn = "urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::a"
    standin.expect(Exchange(method="GET", path="/api/v1/namespaces/b/configmaps/a", status=404, answer={}))
    assert replay.ask(plugin, "Read", {"urn": urn, "id": "b/a"}).response == {}


def test_deleting_waits_until_the_object_is_gone(plugin: Kubernetes, standin: StandIn) -> None:
    """A delete cascades in the foreground and looks until nothing is found; a patch gives its fields up
    instead."""
    found = deletes()
    assert len(found) >= 25
    for call in found:
        live = recorded_live(call.request["properties"])
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
        if patches(call):
            bare = {key: live["metadata"][key] for key in ("name", "namespace")}
            applied = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": bare}
            standin.expect(Exchange(method="GET", path=path_of(live), answer=live))
            standin.expect(Exchange(method="PATCH", path=path_of(live), body=applied, answer=live))
        else:
            standin.expect(Exchange(method="DELETE", path=path_of(live), body=body, answer={}))
            if not skips_waiting(live):
                standin.expect(Exchange(method="GET", path=path_of(live), answer={}, status=404))
        assert replay.ask(plugin, "Delete", call.request) == replay.Answer({})


def deletes() -> list[replay.Recorded]:
    """The recorded deletes that worked; begun and finished calls look alike, as their response is empty."""
    found = replay.recorded("kubernetes", "kubernetes.2")
    ended = {
        (call.step, call.request["urn"]): call
        for call in found
        if call.method == "Delete" and ":kubernetes:" in call.request["urn"]
    }
    failed = {(call.step, call.request["urn"]) for call in calls("Delete") if call.error}
    return [call for key, call in ended.items() if key not in failed]


def skips_waiting(live: dict[str, Any]) -> bool:
    """Whether the object asks not to be waited for, and is of a kind where that holds for deletes too."""
    asked = "pulumi.com/skipAwait" in live["metadata"].get("annotations", {})
    return asked and live["kind"] in ("DaemonSet", "Deployment", "Pod")


def test_deleting_what_is_gone_is_fine(plugin: Kubernetes, standin: StandIn) -> None:
    """An object that somebody else has deleted is no error, and neither is a second delete."""
    properties = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}
    urn = "urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::a"
    for _ in range(2):
        path = "/api/v1/namespaces/b/configmaps/a"
        standin.expect(Exchange(method="DELETE", path=path, status=404, answer={}))
        request = {"urn": urn, "id": "b/a", "properties": properties}
        assert replay.ask(plugin, "Delete", request) == replay.Answer({})


def test_secrets_stay_secret(plugin: Kubernetes, standin: StandIn) -> None:
    """No plain text of a Secret or of a secret input is outside a value marked as secret."""
    mark = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hunter2"}
    inputs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "b"},
        "data": {"open": "shown", "hidden": mark},
    }
    live = revealed(values(inputs))
    standin.expect(Exchange(method="POST", path=path_of(live, named=False), answer=live))
    urn = "urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::a"
    outputs = replay.ask(plugin, "Create", {"urn": urn, "properties": inputs}).response["properties"]
    assert outputs["data"] == outputs["__inputs"]["data"] == {"open": "shown", "hidden": mark}
    assert json.dumps(outputs).count("hunter2") == 2
