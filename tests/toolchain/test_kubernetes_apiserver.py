"""The kubernetes plugin under the real engine, against a real API server: the recorded program, from start
to end.

Needs the bundle's binaries (marker `apiserver`) and the Pulumi CLI with its Python language host on PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.toolchain import replay
from tests.toolchain.apiserver import TOKEN, Server, running
from toolchain.plugins.kubernetes.provider import Kubernetes
from toolchain.plugins.protocol import Engine

pytestmark = pytest.mark.apiserver
PROJECT = "golden-kubernetes"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A Pulumi stack of the recorded program, with its own home and state."""

    work: Path
    server: Server
    environment: dict[str, str]

    def pulumi(self, *arguments: str, step: str = "create", fails: bool = False) -> str:
        """Run the CLI with a variant of the program and return what it prints."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.work,
            env={**self.environment, "STEP": step},
            capture_output=True,
            text=True,
            timeout=300,
        )
        text = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, text
        return text

    def up(self, step: str = "create", *, fails: bool = False) -> str:
        """Run an update without a preview."""
        return self.pulumi("up", "--yes", "--skip-preview", step=step, fails=fails)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One API server for all tests of this module."""
    with running(tmp_path_factory.mktemp("apiserver")) as one:
        yield one


@pytest.fixture
def stack(server: Server, tmp_path: Path) -> Stack:
    """A new stack that uses our plugin."""
    return new_stack(server, tmp_path)


@pytest.fixture(scope="module")
def living(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose resources exist; a plain destroy cleans up whatever the tests made of it."""
    made = new_stack(server, tmp_path_factory.mktemp("living"))
    made.up()
    yield made
    made.up()
    made.pulumi("destroy", "--yes", "--skip-preview")


def new_stack(server: Server, tmp_path: Path) -> Stack:
    """A stack of the recorded program, and the two objects that it finds on the server."""
    assert shutil.which("pulumi"), "no pulumi CLI on PATH: build the toolchain first (make lab)"
    (tmp_path / "k8s").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "k8s" / "kubeconfig.yaml").write_text(server.kubeconfig)
    lines = json.loads((replay.goldens() / "kubernetes.program.json").read_text())
    (tmp_path / "__main__.py").write_text("\n".join(lines).replace("goldentoken", TOKEN))
    (tmp_path / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
    made = Stack(work=tmp_path, server=server, environment=environment(tmp_path))
    made.pulumi("stack", "init", "rec")
    for name, value in (("preexisting", "owned=kubectl"), ("toimport", "i=1")):
        made.server.kubectl("delete", "configmap", name, "--ignore-not-found")
        made.server.kubectl("create", "configmap", name, f"--from-literal={value}")
    return made


def environment(work: Path) -> dict[str, str]:
    """The environment of the CLI: our plugin in a home of its own, state in a directory."""
    home = work / "home"
    place = home / "plugins" / f"resource-kubernetes-v{Kubernetes(Engine('')).version}"
    place.mkdir(parents=True)
    launcher = place / "pulumi-resource-kubernetes"
    launcher.write_text(
        f'#!/bin/sh\ncd "{replay.REPOSITORY}" && exec "{sys.executable}" -m toolchain.plugins.kubernetes '
        f'"$@"\n'
    )
    launcher.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{work / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "only for this test",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "GOLDEN_ROOT": str(work),
    }


def outputs(exported: dict[str, Any]) -> dict[str, Any]:
    """Each resource's outputs by its name, without what the server makes up; texts as they are stored."""
    found = {}
    for one in exported["deployment"]["resources"]:
        if one["type"].startswith("kubernetes:"):
            found[one["urn"].rpartition("::")[2]] = shape(one["outputs"])
    return found


def shape(value: Any, key: str = "") -> Any:
    """The structure of outputs: keys and types; values where they are not made up by the server or by
    chance."""
    if isinstance(value, dict):
        return {
            name: shape(inner, name)
            for name, inner in value.items()
            if name not in ("status", "managedFields")
        }
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    made_up = (
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "__fieldManager",
        "clusterIP",
        "name",
        "generation",
    )
    return type(value).__name__ if key in made_up or key == "" else value


def test_the_whole_life_of_the_recorded_program(stack: Stack) -> None:
    """Preview, create, same again, label, data, replacement, drift, refresh and destroy go as recorded."""
    assert "+ 22 to create" in stack.pulumi("preview")
    assert "+ 22 created" in stack.up()
    exported = json.loads(stack.pulumi("stack", "export", "--show-secrets"))
    ours, official = outputs(exported), outputs(replay.state("kubernetes"))
    for name, expected in official.items():
        if name != "svc":  # its addresses come from another range
            assert ours[name] == expected, name
    assert "hunter2" not in stack.pulumi("stack", "export")
    assert "22 unchanged" in stack.up()
    assert "~ 2 updated" in stack.up("label")
    assert "+-2 replaced" in stack.up("data")
    assert "+-3 replaced" in stack.up("replace")
    stack.server.kubectl(
        "-n", "golden", "patch", "cm", "cm", "--type=merge", '--patch={"data":{"a":"drifted"}}'
    )
    stack.server.kubectl("-n", "golden", "delete", "cm", "imm-renamed")
    refreshed = stack.pulumi("refresh", "--yes", "--skip-preview", step="drift")
    assert "~ 1 updated" in refreshed
    assert "- 1 deleted" in refreshed
    mended = stack.up("drift")
    assert "+ 1 created" in mended
    assert "+-1 replaced" in mended
    assert "22 unchanged" in stack.up("drift")
    assert "- 22 deleted" in stack.pulumi("destroy", "--yes", "--skip-preview", step="drift")
    assert "golden" not in stack.server.kubectl("get", "namespaces", "-o", "name")
    kept = json.loads(stack.server.kubectl("get", "configmap", "preexisting", "-o", "json"))
    assert kept["data"] == {"owned": "kubectl"}


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ("existing", 'configmaps "preexisting" already exists'),
        ("invalid", 'ConfigMap "Bad_Name" is invalid'),
        ("patchnoforce", 'conflict with "kubectl-create" using v1: .data.owned'),
        ("awaitdep", "'awaiteddep' timed out waiting to be Ready"),
    ],
)
def test_failures_say_what_the_server_says(step: str, complaint: str, living: Stack) -> None:
    """The reason is in the engine's output."""
    assert complaint in living.up(step, fails=True)


def test_an_object_can_be_imported_and_read(living: Stack) -> None:
    """`import_` adopts an object as it is, `get` reads one."""
    assert "= 1 imported" in living.up("import")
    living.up("get")


def test_a_service_without_pods_is_ready_in_the_end(living: Stack) -> None:
    """When its time is up it counts as ready, though nothing ever answers there."""
    assert "+ 1 created" in living.up("awaitsvc")


def test_an_outage_loses_nothing(living: Stack) -> None:
    """With the server away a refresh fails, or keeps the state where the provider is told to."""
    living.up()
    config = living.work / "k8s" / "kubeconfig.yaml"
    config.write_text(living.server.kubeconfig.replace("https://127.0.0.1:", "https://127.0.0.2:"))
    try:
        assert "1 to update" in living.pulumi("preview")
        refused = living.pulumi("refresh", "--yes", "--skip-preview", "--run-program", fails=True)
        assert "failed to read resource state due to unreachable cluster" in refused
        living.environment["PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"] = "true"
        living.pulumi("refresh", "--yes", "--skip-preview", "--run-program")
        assert len(outputs(json.loads(living.pulumi("stack", "export")))) == 20
    finally:
        living.environment.pop("PULUMI_K8S_SKIP_UPDATE_UNREACHABLE", None)
        config.write_text(living.server.kubeconfig)
