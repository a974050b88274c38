"""Images: containerd's list understood, and what belongs to an image found."""

from __future__ import annotations

from providers.core.thing import Json
from providers.software.images import Image, Images, ImagesState, parse_family, parse_list

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
