"""The artifact bundle: the same bytes from the same files, names that kubeadm knows, true sums."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.bundle import archive, commands, debian, images, manifest, recipe
from lab.bundle.archive import Entry
from lab.bundle.progress import step
from lab.errors import LabError

REF = "registry.k8s.io/pause:3.10.2"


def packed(directory: Path, content: bytes = b"#!pause") -> Path:
    """An image archive with one layer, written below a new directory."""
    directory.mkdir()
    entries = [Entry(path="/usr/bin/pause", content=content), Entry(path="bin", link="usr/bin")]
    layer = archive.layer(entries, directory / "layer.zst")
    config = {"Entrypoint": ["/usr/bin/pause"]}
    archive.image(directory / "pause.tar", ref=REF, architecture="arm64", layers=[layer], config=config)
    return directory / "pause.tar"


def blob(path: Path, digest: str) -> bytes:
    """A part of an image archive, after its digest was compared with its content."""
    content = member(path, "blobs/" + digest.replace(":", "/"))
    assert archive._digest(content) == digest
    return content


def member(path: Path, name: str) -> bytes:
    """The content of one file in a tar."""
    with tarfile.open(path) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read()


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    """No time, owner, order or path of the build is in an archive; another content makes another one."""
    first, second = packed(tmp_path / "a"), packed(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    assert packed(tmp_path / "c", b"#!other").read_bytes() != first.read_bytes()


def test_an_archive_says_its_name_and_platform(tmp_path: Path) -> None:
    """containerd reads the full name, others the tag, and both the platform, from the index."""
    [listed] = json.loads(member(packed(tmp_path / "a"), "index.json"))["manifests"]
    assert listed["annotations"]["io.containerd.image.name"] == REF
    assert listed["annotations"]["org.opencontainers.image.ref.name"] == "3.10.2"
    assert listed["platform"] == {"architecture": "arm64", "os": "linux"}


def test_digests_lead_from_the_index_to_the_files(tmp_path: Path) -> None:
    """Index, manifest, configuration and layer hang together, and the layer holds what was put in."""
    path = packed(tmp_path / "a")
    [listed] = json.loads(member(path, "index.json"))["manifests"]
    told = json.loads(blob(path, listed["digest"]))
    config = json.loads(blob(path, told["config"]["digest"]))
    [layer] = told["layers"]
    content = blob(path, layer["digest"])
    assert layer["size"] == len(content)
    raw = subprocess.run(["zstd", "-dcq"], input=content, capture_output=True, check=True).stdout
    assert config["rootfs"]["diff_ids"] == [archive._digest(raw)]
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        assert tar.getnames() == ["bin", "usr", "usr/bin", "usr/bin/pause"]
        assert tar.getmember("bin").linkname == "usr/bin"
        assert {(one.uid, one.gid, one.mtime) for one in tar} == {(0, 0, 0)}


def test_every_name_that_kubeadm_asks_for_is_there() -> None:
    """What `kubeadm config images list` of v1.36.3 prints, and what the cluster runs beside it."""
    refs = {image.ref for image in recipe.images()}
    assert refs >= {
        "registry.k8s.io/kube-apiserver:v1.36.3",
        "registry.k8s.io/kube-controller-manager:v1.36.3",
        "registry.k8s.io/kube-scheduler:v1.36.3",
        "registry.k8s.io/kube-proxy:v1.36.3",
        "registry.k8s.io/coredns/coredns:v1.14.2",
        "registry.k8s.io/pause:3.10.2",
        "registry.k8s.io/etcd:3.6.8-0",
    }
    archives = [image.archive for image in recipe.images()]
    assert len(set(archives)) == len(archives)


def test_what_replaces_a_module_is_its_version() -> None:
    """go.mod asks for a newer etcd through others' needs, and pins the one that kubeadm wants."""
    assert recipe.pin("go.etcd.io/etcd/server/v3") == "v3.6.8"
    assert recipe.pin("k8s.io/client-go") == recipe.kubernetes().replace("v1.", "v0.")
    with pytest.raises(KeyError, match=r"k8s\.io/nothing"):
        recipe.pin("k8s.io/nothing")


def make_bundle(directory: Path) -> Path:
    """A small bundle with its manifest."""
    files = {"bin/kubelet": b"kubelet", "images/pause.tar": b"pause", "debs/Packages": b""}
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    manifest.write(
        directory, version="1", kubernetes="v1.36.3", architecture="arm64", images={REF: "images/pause.tar"}
    )
    return directory


def problems(bundle: Path) -> list[str]:
    """What is wrong with the small bundle."""
    return manifest.problems(bundle, version="1", architecture="arm64")


def test_a_whole_bundle_is_sound(tmp_path: Path) -> None:
    """Its manifest lists each file with sum and size, and sha256sum agrees."""
    bundle = make_bundle(tmp_path)
    assert problems(bundle) == []
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=bundle, check=True)
    told = json.loads((bundle / "manifest.json").read_text())
    assert set(told["files"]) == {"bin/kubelet", "images/pause.tar", "debs/Packages"}
    assert told["files"]["bin/kubelet"]["size"] == 7
    assert told["images"] == {REF: "images/pause.tar"}


def test_a_wrong_sum_is_named_with_path_expected_and_found(tmp_path: Path) -> None:
    """Damage names the file and both sums; what is sound is not named."""
    bundle = make_bundle(tmp_path)
    was = archive.sha256(bundle / "bin/kubelet")
    (bundle / "bin/kubelet").write_bytes(b"Kubelet")
    [problem] = problems(bundle)
    now = archive.sha256(bundle / "bin/kubelet")
    assert f"{bundle}/bin/kubelet: expected sha256 {was}, found sha256 {now}" in problem


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (lambda bundle: (bundle / "bin/kubelet").unlink(), "bin/kubelet: expected a file"),
        (lambda bundle: (bundle / "manifest.json").unlink(), "found neither"),
        (lambda bundle: (bundle / "manifest.json").write_text("{"), "manifest.json: expected JSON"),
    ],
    ids=["file gone", "never finished", "manifest cut short"],
)
def test_an_unfinished_bundle_is_not_taken_for_whole(
    tmp_path: Path, harm: Callable[[Path], object], named: str
) -> None:
    """A file that is gone, no manifest and half a manifest are each a problem that is named."""
    bundle = make_bundle(tmp_path)
    harm(bundle)
    [problem] = problems(bundle)
    assert named in problem


def test_another_recipe_is_another_bundle(tmp_path: Path) -> None:
    """A bundle of another version or architecture is not used."""
    bundle = make_bundle(tmp_path)
    [version] = manifest.problems(bundle, version="2", architecture="arm64")
    assert "expected version 2, found version 1" in version
    [architecture] = manifest.problems(bundle, version="1", architecture="amd64")
    assert "expected architecture amd64, found architecture arm64" in architecture


def test_a_step_is_made_whole_and_only_once(tmp_path: Path) -> None:
    """A failed step leaves what was there; one from the same inputs is not repeated, one from others is."""
    target = tmp_path / "bin"
    runs: list[str] = []

    def make(path: Path) -> None:
        runs.append("made")
        (path / "file").write_text(str(len(runs)))

    def fail(path: Path) -> None:
        (path / "half").touch()
        raise RuntimeError

    step("step", target, "1", make)
    step("step", target, "1", make)
    with pytest.raises(RuntimeError):
        step("step", target, "2", fail)
    assert [path.name for path in target.iterdir()] == ["file"]
    step("step", target, "2", make)
    assert len(runs) == 2
    assert [path.name for path in target.iterdir()] == ["file"]


def test_flannel_is_built_without_the_omitted_backends() -> None:
    """Their imports go, all others stay; upstream without one of them is an error, not a silent change."""
    kept = '\t_ "github.com/flannel-io/flannel/pkg/backend/vxlan"\n'
    gone = "".join(kept.replace("vxlan", name) for name in recipe.OMITTED_BACKENDS)
    assert commands.without_backends(f"import (\n{gone}{kept})\n") == f"import (\n{kept})\n"
    with pytest.raises(LabError, match=f"an import of its backend {recipe.OMITTED_BACKENDS[0]}"):
        commands.without_backends(kept)


def test_a_simulation_of_apt_is_read() -> None:
    """New packages with their versions, epochs included; the later lines of Conf add nothing."""
    said = [
        "NOTE: only a simulation",
        "Inst runc (1.1.15+ds1-2+b4 Debian:13/stable [arm64])",
        "Inst socat (1:1.8-1 Debian:13/stable [arm64]) []",
        "Conf runc (1.1.15+ds1-2+b4 Debian:13/stable [arm64])",
    ]
    assert debian.installed("\n".join(said)) == ["runc=1.1.15+ds1-2+b4", "socat=1:1.8-1"]


def test_applets_are_read_from_any_busybox() -> None:
    """The table of names is found between other bytes of the program."""
    names = ["[", "[[", "ash", "nslookup", "wget"]
    program = b"\x7fELF\0\xc0" + "\0".join(names).encode() + b"\0\0/var/log"
    assert images.applets(program) == names
