"""Package sources across a machine's resources, with real apt: a bundle is all that the machine can install from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components import properties
from components.sources import source_of
from config import load
from providers.core import resource
from providers.core.journal import ROOT
from providers.kinds import KINDS, made_after
from tests.config.injections import sound
from tests.local_host import LocalHost
from tests.providers.life import site
from tests.providers.software.debian import debian, installed, publish

pytestmark = pytest.mark.slow
ORDER = ("System", "Storage", "Software")
_PLACES = ("/etc/apt", "/opt/jq", "/opt/nfs-common", "/var/lib/apt/lists")
_WITHDRAW = """
rm -rf /srv/repository /etc/apt/sources.list
find /var/lib/apt/lists -type f ! -name lock -delete
"""
Resources = dict[str, dict[str, Any]]


@pytest.fixture
def board() -> Iterator[LocalHost]:
    """A machine that can install nothing by itself, and has the files of a bundle in /srv/repository until `take`."""
    with debian() as host:
        publish(host, "rpcbind", "1.2")
        publish(host, "nfs-common", "2.8", "rpcbind")
        publish(host, "jq", "1.7")
        yield host


@pytest.fixture
def source(board: LocalHost, tmp_path: Path) -> str:
    """A bundle of these packages, taken away from the machine itself."""
    (tmp_path / "debs").mkdir()
    for name in board.run(["ls", "/srv/repository"]).text.split():
        (tmp_path / "debs" / name).write_bytes(board.run(["cat", f"/srv/repository/{name}"]).stdout)
    board.run(["sh", "-c", _WITHDRAW])
    index = (tmp_path / "debs" / "Packages").read_bytes()
    files = {"debs/Packages": {"sha256": hashlib.sha256(index).hexdigest(), "size": len(index)}}
    manifest = {"version": "1", "kubernetes": "v1.36.3", "architecture": "arm64", "files": files}
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "images": {}, "debs": "debs"}))
    return str(tmp_path)


def wanted(source: str, **settings: Any) -> Resources:
    """What a machine that is no part of the cluster has of sources and packages, by resource."""
    machines = {"nas": {"address": "10.0.0.31", **settings}}
    rack = load({**sound(), "machines": machines, "artifacts": {"source": source}}, stack="test")
    machine = rack.further["nas"]
    found = {
        "System": properties.sources(machine, source_of(rack, "arm64")),
        "Storage": properties.storage(machine),
        "Software": properties.further_software(machine),
    }
    return {kind: one for kind, one in found.items() if one or kind == "System"}


def up(host: LocalHost, old: Resources, new: Resources) -> list[str]:
    """Create and update in order, then delete what is gone, last made first; the resources that Pulumi calls."""
    called = [one for one in ORDER if one in new and (one not in old or KINDS[one].plan(old[one], new[one]))]
    for name in called:
        resource.converge(KINDS[name], site(host), old.get(name, {}), new[name])
    for name in reversed([one for one in ORDER if one in old and one not in new]):
        resource.remove(KINDS[name], site(host), old[name], later=made_after(name))
    return called


def destroy(host: LocalHost, old: Resources) -> None:
    """Delete all, last made first."""
    up(host, old, {})


NFS = {"storage": {"nfs_client": True}}


def test_a_client_is_installed_from_the_bundle_at_the_first_run(board: LocalHost, source: str) -> None:
    """A second run writes nothing; destroy leaves nothing."""
    before, one = board.tree(*_PLACES), wanted(source, **NFS)
    assert up(board, {}, one) == ["System", "Storage"]
    assert sorted(installed(board)) == ["nfs-common", "rpcbind"]
    assert up(board, one, one) == []
    count = len(board.ran)
    for kind, props in one.items():
        resource.converge(KINDS[kind], site(board), props, props)
    assert len(board.ran) == count
    destroy(board, one)
    assert installed(board) == {}
    assert board.tree(*_PLACES) == before
    assert [line for line in board.tree(ROOT) if line.startswith("f")] == []


def test_a_client_comes_and_goes_on_a_living_machine(board: LocalHost, source: str) -> None:
    """The packages of the other resource stay; with the last package the sources go."""
    tools, both = wanted(source, packages=["jq"]), wanted(source, packages=["jq"], **NFS)
    nothing, before = wanted(source), board.tree(*_PLACES)
    up(board, {}, tools)
    assert up(board, tools, both) == ["Storage"]
    assert sorted(installed(board)) == ["jq", "nfs-common", "rpcbind"]
    assert up(board, both, tools) == []
    assert sorted(installed(board)) == ["jq"]
    up(board, tools, both)
    assert up(board, both, nothing) == ["System"]
    assert installed(board) == {}
    assert board.tree(*_PLACES) == before


def test_a_package_that_moves_to_another_resource_stays(board: LocalHost, source: str) -> None:
    """A client that the user lists among the packages too: whoever wants it last purges it."""
    listed = wanted(source, packages=["jq", "nfs-common"])
    both = wanted(source, packages=["jq", "nfs-common"], **NFS)
    for first, second in ((listed, both), (both, listed)):
        up(board, {}, first)
        up(board, first, second)
        assert sorted(installed(board)) == ["jq", "nfs-common", "rpcbind"]
        for kind, props in second.items():
            assert resource.observe(KINDS[kind], site(board), props) == props
        destroy(board, second)
        assert installed(board) == {}
    assert [line for line in board.tree(ROOT) if line.startswith("f")] == []


def test_another_bundle_brings_its_newer_packages(board: LocalHost, source: str, tmp_path: Path) -> None:
    """The lists that apt has are those of the former bundle until it needs others."""
    old = wanted(source, packages=["jq=1.7"])
    up(board, {}, old)
    board.run(["mkdir", "-p", "/srv/repository"])
    board.write("/etc/apt/sources.list", "deb [trusted=yes] file:/srv/repository ./")
    publish(board, "jq", "1.8")
    for name in board.run(["ls", "/srv/repository"]).text.split():
        (tmp_path / "debs" / name).write_bytes(board.run(["cat", f"/srv/repository/{name}"]).stdout)
    board.run(["sh", "-c", "rm -rf /srv/repository /etc/apt/sources.list"])
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    index = (tmp_path / "debs" / "Packages").read_bytes()
    manifest["files"]["debs/Packages"]["sha256"] = hashlib.sha256(index).hexdigest()
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    new = wanted(source, packages=["jq=1.8"])
    assert up(board, old, new) == ["System", "Software"]
    assert installed(board) == {"jq": "1.8 install installed"}
