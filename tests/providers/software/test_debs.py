"""A bundle's packages: whole or not at all, readable for apt, and gone with their directory."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from providers.core.errors import HostError
from providers.core.host import Completed, Given
from providers.core.thing import Json
from providers.software.debs import DEBS, Debs
from tests.host_behind import HostBehind
from tests.local_host import LocalHost, joined
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
    """Nor does a removal leave what had not taken its place yet."""
    assert cut_anywhere(Debs(), local_host, bundles[0], [DEBS, f"{DEBS}.new"]) == 1


def test_apt_can_read_them(local_host: LocalHost, bundles: tuple[Json, Json]) -> None:
    """It does so as a user of its own."""
    converge(Debs(), local_host, None, bundles[0])
    nobody = ["setpriv", "--reuid=65534", "--clear-groups", "cat", f"{DEBS}/a.deb"]
    assert local_host.run(nobody).text == "package"


def test_packages_may_lie_in_directories(local_host: LocalHost, bundles: tuple[Json, Json]) -> None:
    """As in a larger repository's pool; files keep their times, by which apt reads an index anew."""
    assert isinstance(bundles[0], dict)
    package = Path(str(bundles[0]["source"])) / "debs" / "pool" / "b" / "b.deb"
    package.parent.mkdir(parents=True)
    package.write_bytes(b"another")
    os.utime(package, (0, 1_000_000_000))
    converge(Debs(), local_host, None, bundles[0])
    assert local_host.read(f"{DEBS}/pool/b/b.deb") == "another"
    assert local_host.run(["stat", "-c", "%Y %a", f"{DEBS}/pool/b/b.deb"]).text == "1000000000 644"
    assert local_host.run(["stat", "-c", "%a", f"{DEBS}/pool/b"]).text == "755"


def test_an_index_with_another_sum_never_travels(local_host: LocalHost, bundles: tuple[Json, Json]) -> None:
    """The error says which file; the packages that were there stay."""
    converge(Debs(), local_host, None, bundles[0])
    assert isinstance(bundles[1], dict)
    (Path(str(bundles[1]["source"])) / "debs" / "Packages").write_bytes(b"damaged")
    with pytest.raises(HostError, match=r"cp-1.*/debs/Packages: expected sha256 .*sha256sum -c SHA256SUMS"):
        converge(Debs(), local_host, bundles[0], bundles[1])
    assert Debs().observe(site(local_host), Debs().parse(bundles[0])) == Debs().parse(bundles[0])


class CutOff(HostBehind):
    """A machine whose connection ends before the last file of whatever it is sent."""

    def run(self, argv: Sequence[str], *, stdin: Given = b"", **how: Any) -> Completed:
        """Run, with what came until then."""
        if not isinstance(stdin, bytes):
            stdin = joined(stdin)
            with tarfile.open(fileobj=io.BytesIO(stdin)) as archive:
                stdin = stdin[: archive.getmembers()[-1].offset]
        return super().run(argv, stdin=stdin, **how)


def test_a_stream_that_ends_early_replaces_nothing(local_host: LocalHost, tmp_path: Path) -> None:
    """Not even between two files, where tar finds nothing wrong; the next run brings all of it."""
    (tmp_path / "debs").mkdir()
    for name in ("Packages", "jq_1.deb", "zip_1.deb"):
        (tmp_path / "debs" / name).write_text(name)
    digest = hashlib.sha256(b"Packages").hexdigest()
    debs = Debs()
    wanted = debs.parse({"source": str(tmp_path), "sum": digest})
    changes = debs.plan(debs.parse({"source": "", "sum": "dddd"}), wanted)
    local_host.write(f"{DEBS}/Packages", "former")
    with pytest.raises(HostError, match=r"cp-1 .*/debs: .*the stream ended early"):
        debs.apply(site(CutOff(local_host)), changes, wanted)
    assert local_host.run(["ls", DEBS]).text == "Packages" and local_host.read(f"{DEBS}/Packages") == "former"
    debs.apply(site(local_host), changes, wanted)
    assert debs.observe(site(local_host), wanted) == wanted
    assert local_host.run(["ls", DEBS]).text.split() == ["Packages", "jq_1.deb", "zip_1.deb"]
