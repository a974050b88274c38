"""Images: containerd's list understood, and what belongs to an image found."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from lab.shell import wait
from providers.core.errors import HostError
from providers.core.host import Host
from providers.core.thing import Json
from providers.software.images import Image, Images, ImagesState, parse_family, parse_list
from providers.ssh.command import limited
from tests.fake_host import Answer, Command, FakeHost, pattern
from tests.local_host import LocalHost
from tests.providers.life import site

KIND = "application/vnd.oci.image.manifest.v1+json"
LABELS = "helicon.archive=aaaa,io.cri-containerd.pinned=pinned"
LISTING = f"""\
REF                          TYPE   DIGEST      SIZE      PLATFORMS               LABELS
registry.k8s.io/pause:3.10.2 {KIND} sha256:13c0 315.4 KiB linux/arm64             {LABELS}
example.com/own:1            {KIND} sha256:77   1.0 MiB   linux/amd64,linux/arm64 -
"""


def test_a_listing_tells_digests_and_labels() -> None:
    """Sizes of two words and several platforms do not confuse it."""
    found = parse_list(LISTING)
    assert found["registry.k8s.io/pause:3.10.2"].labels["helicon.archive"] == "aaaa"
    assert found["example.com/own:1"] == Image(digest="sha256:77", labels={"-": ""})


def test_references_by_digest_go_with_their_image() -> None:
    """But not those that another name also stands for, nor other names."""
    found = {
        "a:1": Image(digest="d1", labels={}),
        "sha256:x": Image(digest="d1", labels={}),
        "a@sha256:d1": Image(digest="d1", labels={}),
        "b:1": Image(digest="d2", labels={}),
        "own:1": Image(digest="d2", labels={}),
        "sha256:y": Image(digest="d2", labels={}),
    }
    assert parse_family(found, ["a:1", "b:1", "gone:1"]) == ["a:1", "a@sha256:d1", "b:1", "sha256:x"]


def test_another_source_is_no_change() -> None:
    """The same archive from elsewhere is the same image."""
    thing = Images()
    refs: Json = {"a:1": {"archive": "a.tar", "sha256": "1"}}
    old, new = (thing.parse({"source": source, "refs": refs}) for source in ("/one", "/two"))
    assert thing.plan(old, new) == [] and thing.minus(old, new) is None
    assert thing.minus(old, ImagesState(source="/one")) == old


def test_an_archive_that_is_here_lies_on_no_disk_there(tmp_path: Path) -> None:
    """containerd reads it as it arrives."""
    host = host_without_images(Command(argv=pattern("<images.import> - a:1 *"), stdin="a.tar"), CLEANED)
    created(host, tmp_path, hashlib.sha256(b"layers").hexdigest())
    host.finish()


def test_an_archive_with_another_sum_is_not_sent(tmp_path: Path) -> None:
    """It is named, with the sums."""
    host = host_without_images()
    with pytest.raises(HostError, match=r"cp-1 .*a\.tar: expected sha256 aaaa, found sha256 "):
        created(host, tmp_path, "aaaa")


def test_an_import_that_waits_for_a_connection_which_is_gone_holds_up_no_other(
    local_host: LocalHost, tmp_path: Path
) -> None:
    """It is ended: containerd would let the next one wait for the archive, and its own end is half an hour off."""
    local_host.stand_in("ctr")
    created(local_host, tmp_path, hashlib.sha256(b"layers").hexdigest())
    (argv,) = [one for one in local_host.ran if one[3:4] == ("import",)]
    inside = ["nsenter", "-t", str(local_host.holder), "-m", "-u", "-n", "-p", "-r", "-w"]
    with subprocess.Popen([*inside, *limited(argv, 60)], stdin=subprocess.PIPE) as former:
        wait("an import", lambda: holds_archive(local_host), timeout=10, next_step="see tests/stand_ins/ctr")
        assert local_host.run(limited(argv, 30), stdin=b"layers", check=False).ok
        assert former.wait(10) != 0


def holds_archive(host: LocalHost) -> bool:
    """Whether an import is under way."""
    return host.run(["flock", "-n", "/run/ctr.lock", "true"], check=False).exit_status == 1


CLEANED = Command(argv=pattern("rm -rf /var/lib/helicon/images"))


def host_without_images(*commands: Command) -> FakeHost:
    """A machine where containerd has none, and what it will be told beyond the note of that."""
    nothing = {
        pattern("ctr --namespace k8s.io images list"): Answer(out="REF TYPE DIGEST SIZE PLATFORMS LABELS")
    }
    noted = Command(argv=pattern("<journal.remember> ..."))
    return FakeHost(questions=nothing, commands=[noted, *commands])


def created(host: Host, bundle: Path, digest: str) -> None:
    """Bring one image of a bundle on this machine."""
    (bundle / "a.tar").write_bytes(b"layers")
    thing = Images()
    wanted = thing.parse({"source": str(bundle), "refs": {"a:1": {"archive": "a.tar", "sha256": digest}}})
    empty = thing.parse({"source": str(bundle), "refs": {"a:1": "(absent)"}})
    thing.apply(site(host), thing.plan(empty, wanted), wanted)
