"""Where packages come from: settled by the first resource that could need it, and only where something is installed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components import etcd_properties, properties
from components.balancing import balancer
from components.node import FurtherMachine
from components.sources import source_of
from config import Rack, load
from providers.kinds import KINDS
from tests.components.test_program import Recorder
from tests.config.injections import sound

OWN = {"own": {"apt": {"uri": "https://mirror.example.test/debian", "suite": "trixie"}}}
PROGRAMS = ("bin/kubeadm", "bin/kubectl", "bin/kubelet", "cni/bridge")
FURTHER = {
    "nas": {"address": "10.0.0.31"},
    "mounts": {"address": "10.0.0.32", "storage": {"nfs_client": True}},
    "tools": {"address": "10.0.0.33", "packages": ["jq"]},
}


def bundle(directory: Path, debs: str = "debs") -> str:
    """A bundle for arm64, without the files that its manifest names."""
    directory.mkdir()
    sums = {name: {"sha256": "aaaa", "size": 1} for name in PROGRAMS}
    files = {**sums, "debs/Packages": {"sha256": hashlib.sha256(b"").hexdigest(), "size": 0}}
    manifest = {"version": "1", "kubernetes": "v1.36.3", "architecture": "arm64"}
    text = json.dumps({**manifest, "files": files, "images": {}, "debs": debs})
    (directory / "manifest.json").write_text(text)
    return str(directory)


def rack(source: str = "", **software: Any) -> Rack:
    """The sound rack with machines that are no part of the cluster, and a member of etcd."""
    raw = {**sound(), "machines": FURTHER, "etcd_members": {"etcd-1": {"address": "10.0.0.41"}}}
    raw["defaults"]["software"] = software
    return load({**raw, **({"artifacts": {"source": source}} if source else {})}, stack="test")


def found(one: Rack) -> dict[str, dict[str, Any]]:
    """The package sources of each machine."""
    source = source_of(one, "arm64")
    return {machine.name: properties.sources(machine, source) for machine in one.machines()}


def test_a_bundle_comes_to_every_machine_that_installs_something(tmp_path: Path) -> None:
    """Its packages and the repository that they are, the user's own besides; nothing to a machine without packages."""
    sources = found(rack(bundle(tmp_path / "bundle"), repositories=OWN))
    assert sources.pop("nas") == {}
    for name, one in sources.items():
        assert one["debs"]["source"] == str(tmp_path / "bundle"), name
        assert sorted(one["repositories"]) == ["helicon-bundle", "own"], name


def test_from_the_internet_only_machines_with_a_kubelet_need_more_than_the_distribution() -> None:
    """The others say nothing of sources."""
    sources = found(rack())
    assert {name for name, one in sources.items() if one} == {"cp-1", "cp-2", "cp-3", "w-1", "w-2", "etcd-1"}
    assert {tuple(one) for one in sources.values() if one} == {("repositories",)}


def test_a_bundle_without_packages_is_no_repository(tmp_path: Path) -> None:
    """apt could not read a directory that is not there."""
    sources = found(rack(bundle(tmp_path / "bundle", debs="")))
    assert not any(sources.values())


def test_what_installs_brings_no_sources_of_its_own(tmp_path: Path) -> None:
    """Two resources must not own one thing's parts."""
    one = rack(bundle(tmp_path / "bundle"), repositories=OWN)
    source = source_of(one, "arm64")
    made = [
        properties.software(one, one.nodes["cp-1"], source),
        etcd_properties.software(one, one.etcd_members["etcd-1"], source),
        balancer(one, one.load_balancers["lb-1"]),
        properties.further_software(one.further["tools"]),
        properties.storage(one.further["mounts"]),
    ]
    assert all("packages" in each and not {"debs", "repositories"} & set(each) for each in made)
    assert set(made[0]["artifacts"]) == {"source", "files"}


def test_sources_belong_to_one_kind_that_comes_before_all_that_install() -> None:
    """Within it they come last: signatures want the time, addresses want certificates and files."""
    names = {kind.name: [thing.name for thing in kind.things] for kind in KINDS.values()}
    assert names["System"][-2:] == ["debs", "repositories"]
    order = list(names)
    for kind, things in names.items():
        assert "packages" not in things or order.index(kind) > order.index("System")
        assert kind == "System" or not {"debs", "repositories"} & set(things)


@pytest.mark.parametrize("name", ["mounts", "tools"])
def test_a_machine_has_its_sources_before_its_packages(tmp_path: Path, name: str) -> None:
    """System is made before Storage and Software."""
    one, recorder = rack(bundle(tmp_path / "bundle")), Recorder()
    mocks.set_mocks(recorder, project="helicon", stack="test", preview=False)

    def program() -> None:
        FurtherMachine(one, one.further[name], source_of(one, "arm64"))

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    order = list(recorder.made)
    first = next(at for at, made in enumerate(order) if "repositories" in recorder.made[made].inputs)
    later = [at for at, made in enumerate(order) if "packages" in recorder.made[made].inputs]
    assert order[first] == f"{name}-system" and later and first < min(later)
