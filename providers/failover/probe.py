"""An endpoint asked every 0.2 s while something happens: how often it failed, and for how long.

`python -m providers.failover.probe URL` asks until its input ends and prints the result as JSON, for
whoever has to ask from another network.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from types import TracebackType

EVERY = 0.2
"""Seconds between the beginnings of two probes."""
TIMEOUT = 3.0
"""Seconds in which an answer must be there; each probe is a connection of its own."""
ASKED = "/readyz?exclude=shutdown"
"""Whether an API server can serve, its etcd included. One that leaves serves on for some seconds while its /readyz
already sends load balancers away: that it says so to them is no failure."""
_AT_ONCE = 32


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One question: when it was asked (seconds, any clock), and what went wrong ("" when nothing did)."""

    at: float
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the probes of a while say: how many, how many failed, and the longest gap in seconds."""

    probes: int
    failed: int
    longest: float
    error: str = ""
    """What the first one that failed said."""

    def __str__(self) -> str:
        """In one line."""
        said = f" ({self.error})" if self.error else ""
        return f"{self.failed} of {self.probes} probes failed, longest gap {self.longest:.1f} s{said}"


def result(probes: Sequence[Probe]) -> Result:
    """The result of probes; a gap reaches from the last answer before failures to the next one after."""
    ordered = sorted(probes, key=lambda one: one.at)
    failed = [one for one in ordered if one.error]
    return Result(
        probes=len(ordered),
        failed=len(failed),
        longest=longest_gap(ordered),
        error=failed[0].error if failed else "",
    )


def longest_gap(probes: Sequence[Probe]) -> float:
    """Seconds between two answers with failures in between; the ends count as answers."""
    longest, answered, silent = 0.0, probes[0].at if probes else 0.0, False
    for one in probes:
        if one.error:
            silent = True
        if silent:
            longest = max(longest, one.at - answered)
        if not one.error:
            answered, silent = one.at, False
    return longest


class Probing:
    """Asks as long as its block lasts, by `by`; `result` is there when the block has ended."""

    def __init__(
        self,
        url: str,
        *,
        every: float = EVERY,
        timeout: float = TIMEOUT,
        by: Callable[[str, float], Probe] | None = None,
    ) -> None:
        self._url, self._every, self._timeout, self._by = url, every, timeout, by or ask
        self._end = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._asked: list[Future[Probe]] = []
        self.result = Result(probes=0, failed=0, longest=0.0)

    def __enter__(self) -> Probing:
        """Begin."""
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, once every question has its answer."""
        self._end.set()
        self._ticker.join()
        self.result = result([one.result() for one in self._asked])

    def _tick(self) -> None:
        following = time.monotonic()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            while not self._end.wait(max(0.0, following - time.monotonic())):
                self._asked.append(threads.submit(self._by, self._url, self._timeout))
                following += self._every


def ask(url: str, timeout: float = TIMEOUT) -> Probe:
    """Ask once, by a connection of its own."""
    at = time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=timeout, context=_anonymous()) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        return Probe(at=at, error=f"status {error.code}")
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        return Probe(at=at, error=" ".join(str(reason).split()) or type(reason).__name__)
    return Probe(at=at)


def _anonymous() -> ssl.SSLContext:
    """Nothing secret is sent, and whether there is an answer is all that is asked: no certificate is checked."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def main(url: str) -> int:
    """Ask until the input ends."""
    with Probing(url) as seen:
        sys.stdin.read()
    print(json.dumps(asdict(seen.result)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
