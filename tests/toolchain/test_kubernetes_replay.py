"""The kubernetes plugin answers what the official one answered, call by call, without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.toolchain import replay
from toolchain.plugins.kubernetes.provider import Kubernetes
from toolchain.plugins.protocol import Engine

KUBECONFIG_PATH = "/golden/k8s/kubeconfig.yaml"
OFFLINE = ("CheckConfig", "DiffConfig", "Configure", "Check", "Diff")
FEWEST = {"CheckConfig": 30, "DiffConfig": 45, "Configure": 28, "Check": 500, "Diff": 430}


def calls(method: str) -> list[replay.Recorded]:
    """The finished calls of a method to the kubernetes plugin."""
    found = replay.recorded("kubernetes", "kubernetes.2")
    ours = [call for call in found if ":kubernetes:" in str(call.request.get("urn", ""))]
    return [call for call in ours if call.method == method and (call.response or call.error)]


def kubeconfig() -> str:
    """The kubeconfig of the recordings; nobody answers there."""
    return str(
        next(call for call in calls("CheckConfig") if "26443" in json.dumps(call.request)).request["news"][
            "kubeconfig"
        ]
    )


@pytest.fixture
def plugin() -> Kubernetes:
    """The plugin, configured for a cluster that nobody can reach."""
    made = Kubernetes(Engine(""), "4.32.0")
    replay.ask(made, "Configure", {"variables": {"kubernetes:config:kubeconfig": kubeconfig()}})
    return made


def prepared(call: replay.Recorded, work: Path) -> dict[str, Any]:
    """The request with the recording's path leading to a file, and without the one seed that was garbled."""
    request = dict(json.loads(json.dumps(call.request).replace(KUBECONFIG_PATH, str(work))))
    if len(request.get("randomSeed", "")) % 4:
        assert call.request["olds"], "only a seed that is not used may be left out"
        del request["randomSeed"]
    return request


def ordered(response: dict[str, Any]) -> dict[str, Any]:
    """The response with its replacing paths sorted: the official plugin lists them as its maps happen to
    lie."""
    return {**response, "replaces": sorted(response.get("replaces", []))}


@pytest.mark.parametrize("method", OFFLINE)
def test_answers_are_those_of_the_official_plugin(method: str, plugin: Kubernetes, tmp_path: Path) -> None:
    """Every recorded request gets exactly the recorded response, made-up names included."""
    path = tmp_path / "kubeconfig.yaml"
    path.write_text(kubeconfig())
    found = calls(method)
    assert len(found) >= FEWEST[method]
    for call in found:
        answer = replay.ask(plugin, method, prepared(call, path))
        response = json.loads(json.dumps(answer.response).replace(str(path), KUBECONFIG_PATH))
        given = replay.Answer(response, answer.error)
        same = ordered(given.response) == ordered(call.response) and given.error == call.error
        assert same, replay.explain(call, given)


def test_the_official_state_shows_no_difference(plugin: Kubernetes) -> None:
    """Each resource of a state that the official plugin wrote compares equal to its own inputs."""
    resources = replay.state("kubernetes")["deployment"]["resources"]
    ours = [one for one in resources if one["type"].startswith("kubernetes:")]
    assert len(ours) == 20
    for one in ours:
        request = {
            "id": one["id"],
            "urn": one["urn"],
            "olds": marked(one["outputs"]),
            "news": marked(one["inputs"]),
            "oldInputs": marked(one["inputs"]),
        }
        assert replay.ask(plugin, "Diff", request).response["changes"] == "DIFF_NONE", one["urn"]


def marked(value: Any) -> Any:
    """Values of a state as they go over the wire: secrets keep their mark, their text is JSON."""
    if isinstance(value, dict) and "plaintext" in value:
        return {
            **{key: inner for key, inner in value.items() if key != "plaintext"},
            "value": json.loads(value["plaintext"]),
        }
    if isinstance(value, dict):
        return {key: marked(inner) for key, inner in value.items()}
    return [marked(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "token",
    ["kubernetes:helm.sh/v3:Release", "kubernetes:yaml/v2:ConfigGroup", "kubernetes:kustomize/v2:Directory"],
)
def test_what_is_no_single_object_names_the_official_plugin(token: str, plugin: Kubernetes) -> None:
    """Charts, manifests and kustomizations are refused with what to install."""
    answer = replay.ask(plugin, "Check", {"urn": f"urn:pulumi:s::p::{token}::r", "news": {}, "olds": {}})
    assert "pulumi plugin install resource kubernetes v4.32.0" in answer.error


@pytest.mark.parametrize(
    "news", [{"renderYamlToDirectory": "/x"}, {"enableServerSideApply": "false"}, {"strictMode": "true"}]
)
def test_options_that_are_not_served_are_refused(news: dict[str, str], plugin: Kubernetes) -> None:
    """An option that would be ignored silently is a check failure that names the official plugin."""
    urn = "urn:pulumi:s::p::pulumi:providers:kubernetes::k"
    failures = replay.ask(plugin, "CheckConfig", {"urn": urn, "news": news, "olds": {}}).response["failures"]
    assert [one["property"] for one in failures] == list(news)
    assert "official" in failures[0]["reason"]
