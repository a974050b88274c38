"""Bundles: found, read, checked, and refused with the path, what was expected and what was found."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from providers.software.bundle import Bundle, BundleError, verified

CONTENT = b"a program"
SUM = hashlib.sha256(CONTENT).hexdigest()


def make(directory: Path, **changes: Any) -> Path:
    """A small bundle; `changes` replace parts of its manifest."""
    (directory / "bin").mkdir(parents=True)
    (directory / "bin" / "kubelet").write_bytes(CONTENT)
    manifest = {
        "version": "1",
        "kubernetes": "v1.36.3",
        "architecture": "arm64",
        "files": {"bin/kubelet": {"sha256": SUM, "size": len(CONTENT)}},
        "images": {"registry.k8s.io/pause:3.10.2": "images/pause.tar"},
        "debs": "debs",
    }
    (directory / "manifest.json").write_text(json.dumps(manifest | changes))
    sums = f"{SUM}  bin/kubelet\naaaa  images/pause.tar\nbbbb  debs/Packages\n"
    (directory / "SHA256SUMS").write_text(sums)
    return directory


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The web address of the temporary directory."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_directory_may_be_a_bundle_itself(tmp_path: Path) -> None:
    """The manifest of the directory is read, with sums from it and from SHA256SUMS."""
    bundle = Bundle.read(str(make(tmp_path / "bundle")), "arm64", "1.36.3")
    assert bundle.root == str(tmp_path / "bundle")
    assert (bundle.sum("bin/kubelet"), bundle.sum("images/pause.tar")) == (SUM, "aaaa")
    assert bundle.debs_sum() == "bbbb"


def test_a_directory_may_hold_a_bundle_for_each_architecture(tmp_path: Path) -> None:
    """The subdirectory with the architecture's name is preferred."""
    make(tmp_path / "arm64")
    make(tmp_path / "amd64", architecture="amd64")
    assert Bundle.read(str(tmp_path), "amd64").root == str(tmp_path / "amd64")


def test_a_bundle_may_be_a_web_address(tmp_path: Path, address: str) -> None:
    """It is read over HTTP, in a subdirectory or not."""
    make(tmp_path / "rack" / "arm64")
    assert Bundle.read(f"{address}/rack/", "arm64").root == f"{address}/rack/arm64"
    assert Bundle.read(f"{address}/rack/arm64", "arm64").sum("bin/kubelet") == SUM


def test_a_bundle_without_packages_says_so(tmp_path: Path) -> None:
    """Without an apt repository its sum is empty."""
    assert Bundle.read(str(make(tmp_path / "bundle", debs="")), "arm64").debs_sum() == ""


@pytest.mark.parametrize(
    ("changes", "architecture", "version", "parts"),
    [
        ({}, "amd64", "", ["expected architecture amd64", "found architecture arm64"]),
        ({}, "arm64", "1.35.0", ["expected kubernetes 1.35.0", "found kubernetes 1.36.3"]),
        ({"files": None}, "arm64", "", ["expected JSON with version"]),
    ],
)
def test_another_bundle_than_expected_is_refused(
    tmp_path: Path, changes: dict[str, Any], architecture: str, version: str, parts: list[str]
) -> None:
    """Architecture, Kubernetes version and the manifest's form are checked."""
    with pytest.raises(BundleError) as error:
        Bundle.read(str(make(tmp_path / "bundle", **changes)), architecture, version)
    assert [part for part in ["manifest.json", "Next:", *parts] if part not in str(error.value)] == []


def test_a_source_without_a_manifest_is_refused(tmp_path: Path, address: str) -> None:
    """Both places that were looked at are named."""
    for source in (str(tmp_path / "nowhere"), f"{address}/nowhere"):
        with pytest.raises(BundleError, match=r"arm64/manifest.json or manifest.json, found neither"):
            Bundle.read(source, "arm64")


def test_an_unreachable_address_is_refused(address: str) -> None:
    """The address and the reason are named."""
    dead = address.rsplit(":", 1)[0] + ":1"
    with pytest.raises(BundleError, match=r"127\.0\.0\.1:1/arm64/manifest\.json.*refused"):
        Bundle.read(dead, "arm64")


def test_an_artifact_that_the_bundle_lacks_is_named(tmp_path: Path) -> None:
    """Its path and the lists that lack it are in the error."""
    bundle = Bundle.read(str(make(tmp_path / "bundle")), "arm64")
    with pytest.raises(BundleError, match=r"bin/nonesuch: expected a file that manifest.json or SHA256SUMS"):
        bundle.sum("bin/nonesuch")


def test_a_file_with_another_sum_is_refused(tmp_path: Path) -> None:
    """Also when it was right before: a changed file is hashed again."""
    root = make(tmp_path / "bundle")
    assert verified(str(root), "bin/kubelet", SUM) == root / "bin" / "kubelet"
    (root / "bin" / "kubelet").write_bytes(CONTENT + b" that was changed")
    with pytest.raises(BundleError) as error:
        verified(str(root), "bin/kubelet", SUM)
    assert [part for part in [f"expected sha256 {SUM}", "sha256sum -c"] if part not in str(error.value)] == []


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(BundleError, match=r"bin/kubelet: expected a file, found No such file"):
        verified(str(tmp_path), "bin/kubelet", SUM)
