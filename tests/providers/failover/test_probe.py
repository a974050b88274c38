"""Probes: what counts as a gap, and an endpoint that really goes away for a moment."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from providers.failover.probe import Probe, Probing, ask, longest_gap, result


class Ready(BaseHTTPRequestHandler):
    """Answers as the server's `status` says."""

    def do_GET(self) -> None:
        """One answer."""
        self.send_response(getattr(self.server, "status", 200))
        self.end_headers()
        self.server.answers = getattr(self.server, "answers", 0) + 1  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def served() -> Iterator[ThreadingHTTPServer]:
    """A server of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def url(server: ThreadingHTTPServer) -> str:
    """Its address."""
    return f"http://127.0.0.1:{server.server_port}/readyz"


def probes(pattern: str) -> list[Probe]:
    """One a second: a dot for an answer, an x for a failure."""
    return [Probe(at=float(at), error="x" if mark == "x" else "") for at, mark in enumerate(pattern)]


@pytest.mark.parametrize(
    ("pattern", "longest"),
    [("....", 0), ("", 0), (".x..", 2), (".xx.x.", 3), ("xx..", 2), ("..xx", 2), (".x.xxx", 3)],
)
def test_a_gap_reaches_from_answer_to_answer(pattern: str, longest: float) -> None:
    """Where failures are at an end, to the last question that was asked."""
    assert longest_gap(probes(pattern)) == longest


def test_a_result_counts_failures_and_keeps_what_the_first_one_said() -> None:
    """In the order of asking, not of answering."""
    found = result([Probe(at=3, error="late"), Probe(at=1), Probe(at=2, error="refused")])
    assert (found.probes, found.failed, found.longest, found.error) == (3, 2, 2.0, "refused")
    assert str(found) == "2 of 3 probes failed, longest gap 2.0 s (refused)"


def test_an_endpoint_that_refuses_for_a_while_is_seen() -> None:
    """Another status than 200 is a failure, and so is no answer."""
    with served() as server:
        with Probing(url(server), every=0.1) as seen:
            for answers, status in ((3, 200), (6, 503), (9, 200)):
                server.status = status  # type: ignore[attr-defined]
                while getattr(server, "answers", 0) < answers:
                    time.sleep(0.02)
        assert 0 < seen.result.failed < seen.result.probes
        assert seen.result.error == "status 503"
        gone = url(server)
    assert "refused" in ask(gone).error.lower()


def test_it_is_a_program_for_other_networks() -> None:
    """It asks until its input ends, and prints the result."""
    with served() as server:
        argv = [sys.executable, "-m", "providers.failover.probe", url(server)]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
            time.sleep(1)
            said, _ = program.communicate("")
    assert json.loads(said)["failed"] == 0
