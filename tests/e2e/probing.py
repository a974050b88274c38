"""The rack's API asked and written to while something happens, from within the boards' network."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType

from lab.namespace import inside
from lab.places import REPOSITORY
from providers.failover.probe import ASKED, Result
from tests.e2e.rack import TestRack


class Probing:
    """The program's own probes, every 0.2 s as long as the block lasts; `result` is there when it has ended."""

    def __init__(self, endpoint: str) -> None:
        self._url = f"https://{endpoint}{ASKED}"
        self.result = Result(probes=0, failed=0, longest=0.0)

    def __enter__(self) -> Probing:
        """Begin."""
        argv = inside([sys.executable, "-m", "providers.failover.probe", self._url])
        self._process = subprocess.Popen(
            argv, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, and read what was seen."""
        said, _ = self._process.communicate("")
        if error is None:
            self.result = Result(**json.loads(said))


class Writing:
    """A ConfigMap made twice a second as long as the block lasts, through the endpoint (tests/e2e/writer.py)."""

    def __init__(self, rack: TestRack) -> None:
        self._rack = rack
        self.acknowledged: list[str] = []
        self.failed, self.longest = 0, 0.0
        """Writes that were not acknowledged; seconds between two that were, at most."""

    def __enter__(self) -> Writing:
        """Begin."""
        argv = inside([sys.executable, "-m", "tests.e2e.writer", str(self._rack.program.kubeconfig)])
        self._process = subprocess.Popen(
            argv, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End with the write that is under way."""
        said, _ = self._process.communicate("")
        if error is None:
            found = json.loads(said)
            self.acknowledged, self.failed = found["acknowledged"], found["failed"]
            self.longest = found["longest"]
            assert self.acknowledged, "not one write was acknowledged"

    def lost(self) -> list[str]:
        """What was acknowledged and is not there."""
        items = json.loads(self._rack.kubectl("get", "configmaps", "-o", "json"))["items"]
        return sorted(set(self.acknowledged) - {item["metadata"]["name"] for item in items})
