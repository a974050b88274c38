"""Artifacts: local files checked before they travel, and sums that are computed only when they must be."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from providers.core.errors import HostError
from providers.core.thing import Json
from providers.software.artifacts import STAMPS, Artifacts, parse_sums
from tests.local_host import LocalHost
from tests.providers.life import converge, live, site

PATH = "/srv/new/bin/tool"


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Two programs."""
    (tmp_path / "one").write_bytes(b"one")
    (tmp_path / "two").write_bytes(b"two")
    return tmp_path


def _wanted(bundle: Path, name: str = "one", *, mode: str = "0755") -> Json:
    files: dict[str, Json] = {PATH: {"artifact": name, "sha256": _sum(name.encode()), "mode": mode}}
    return {"source": str(bundle), "files": files}


def _seen(host: LocalHost, wanted: Json) -> str | None:
    found = Artifacts().observe(site(host), Artifacts().parse(wanted)).files[PATH]
    return found.sha256 if found else None


def test_its_whole_life(local_host: LocalHost, bundle: Path) -> None:
    """Placed, mended, replaced, given back, the directories too."""
    first, second = _wanted(bundle), _wanted(bundle, "two", mode="0700")
    damage = [f"echo x > {PATH}", f"chmod 600 {PATH}"]
    drifted = live(Artifacts(), local_host, first, second, damage, ["/srv"])
    assert drifted == [PATH, f"{PATH}.mode"]


def test_what_was_there_before_comes_back(local_host: LocalHost, bundle: Path) -> None:
    """The former program, with its mode."""
    local_host.write(PATH, "former", "0750")
    live(Artifacts(), local_host, _wanted(bundle), _wanted(bundle, "two"), [f"rm {PATH}"], ["/srv"])
    assert local_host.read(PATH) == "former"


def test_a_changed_file_is_seen_although_size_and_time_are_the_same(
    local_host: LocalHost, bundle: Path
) -> None:
    """The stamp holds the ctime, which nobody can set back."""
    wanted = _wanted(bundle)
    converge(Artifacts(), local_host, None, wanted)
    script = f"touch -r {PATH} /tmp/time; printf eno > {PATH}; touch -r /tmp/time {PATH}"
    local_host.run(["sh", "-c", script])
    assert _seen(local_host, wanted) == _sum(b"eno")


def test_an_unchanged_file_is_not_hashed_again(local_host: LocalHost, bundle: Path) -> None:
    """Its sum comes from the stamp: a stamp with another sum is believed."""
    wanted = _wanted(bundle)
    converge(Artifacts(), local_host, None, wanted)
    local_host.run(["sed", "-i", f"s/{_sum(b'one')}/from-the-stamp/", f"{STAMPS}{PATH}"])
    assert _seen(local_host, wanted) == "from-the-stamp"


def test_a_file_without_a_stamp_is_hashed_and_gets_none(local_host: LocalHost, bundle: Path) -> None:
    """Observing writes nothing."""
    local_host.write(PATH, "one")
    before = local_host.tree("/srv", "/var/lib")
    assert _seen(local_host, _wanted(bundle)) == _sum(b"one")
    assert local_host.tree("/srv", "/var/lib") == before


def test_a_local_file_with_another_sum_never_travels(local_host: LocalHost, bundle: Path) -> None:
    """The error says which file, and nothing is placed."""
    wanted = _wanted(bundle)
    (bundle / "one").write_bytes(b"damaged")
    with pytest.raises(HostError, match=r"cp-1.*/one: expected sha256 .*sha256sum -c SHA256SUMS"):
        converge(Artifacts(), local_host, None, wanted)
    assert "tool" not in "".join(local_host.tree("/srv"))


def test_modes_have_four_digits_and_paths_may_hold_spaces() -> None:
    """As stat and sha256sum say them, and people name them."""
    text = "aa 755 /opt/a b\nbb 4755 /opt/c"
    assert parse_sums(text) == {"/opt/a b": ("aa", "0755"), "/opt/c": ("bb", "4755")}
