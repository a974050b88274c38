"""A bundle's packages: whole or not at all, readable for apt, and gone with their directory."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from providers.core.errors import HostError
from providers.core.thing import Json
from providers.software.debs import DEBS, Debs
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site


@pytest.fixture
def bundles(tmp_path: Path) -> tuple[Json, Json]:
    """The property for each of two bundles with one package."""
    return _bundle(tmp_path / "one", b"a.deb"), _bundle(tmp_path / "two", b"b.deb")


def _bundle(root: Path, name: bytes) -> Json:
    (root / "debs").mkdir(parents=True)
    index = b"Filename: ./" + name
    (root / "debs" / "Packages").write_bytes(index)
    (root / "debs" / name.decode()).write_bytes(b"package")
    return {"source": str(root), "sum": hashlib.sha256(index).hexdigest()}


def test_its_whole_life(local_host: LocalHost, bundles: tuple[Json, Json]) -> None:
    """Sent, an index changed by hand mended, replaced without rests of the former, taken away."""
    assert live(Debs(), local_host, *bundles, [f"echo x >> {DEBS}/Packages"], [DEBS]) == ["sum"]


def test_a_killed_run_leaves_nothing_that_the_next_cannot_mend(
    local_host: LocalHost, bundles: tuple[Json, Json]
) -> None:
    """Nor does a removal leave the archive in which the packages came."""
    assert cut_anywhere(Debs(), local_host, bundles[0], [DEBS, f"{DEBS}.tar", f"{DEBS}.new"]) == 2


def test_apt_can_read_them(local_host: LocalHost, bundles: tuple[Json, Json]) -> None:
    """It does so as a user of its own."""
    converge(Debs(), local_host, None, bundles[0])
    nobody = ["setpriv", "--reuid=65534", "--clear-groups", "cat", f"{DEBS}/a.deb"]
    assert local_host.run(nobody).text == "package"


def test_an_index_with_another_sum_never_travels(local_host: LocalHost, bundles: tuple[Json, Json]) -> None:
    """The error says which file; the packages that were there stay."""
    converge(Debs(), local_host, None, bundles[0])
    assert isinstance(bundles[1], dict)
    (Path(str(bundles[1]["source"])) / "debs" / "Packages").write_bytes(b"damaged")
    with pytest.raises(HostError, match=r"cp-1.*/debs/Packages: expected sha256 .*sha256sum -c SHA256SUMS"):
        converge(Debs(), local_host, bundles[0], bundles[1])
    assert Debs().observe(site(local_host), Debs().parse(bundles[0])) == Debs().parse(bundles[0])
