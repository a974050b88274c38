"""A bundle's packages on their way to a machine."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from providers.core.errors import HostError
from providers.core.host import Argv, Completed, Host
from providers.software.debs import DEBS, Debs
from tests.local_host import LocalHost
from tests.providers.life import site


class CutOff(Host):
    """A machine whose connection ends before the last file of whatever it is sent."""

    def __init__(self, real: LocalHost) -> None:
        self.name, self.address = real.name, real.address
        self._real = real

    def run(self, argv: Sequence[str], *, stdin: bytes | Path = b"", **how: Any) -> Completed:
        """Run, with what came until then."""
        if isinstance(stdin, Path):
            with tarfile.open(stdin) as archive:
                stdin = stdin.read_bytes()[: archive.getmembers()[-1].offset]
        return self._real.run(argv, stdin=stdin, **how)

    def ask(self, questions: Sequence[Argv]) -> list[Completed]:
        """Ask."""
        return self._real.ask(questions)

    def upload(self, source: Path, target: str, *, mode: int = 0o644, timeout: float = 600.0) -> None:
        """Upload."""
        self._real.upload(source, target, mode=mode, timeout=timeout)


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
