"""A ConfigMap made twice a second: `python -m tests.e2e.writer KUBECONFIG` until its input ends.

Prints as JSON what was acknowledged, how many writes were not, and the longest time between two
acknowledgements in seconds. Each write is a connection of its own and waits for no other; a process for
each, such as kubectl's, would be the load of a core while boards on the same machine change.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import os
import ssl
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from providers.failover.probe import Probe, Probing

EVERY = 0.5
TIMEOUT = 4.0


class Writer:
    """Writes as the administrator of a kubeconfig."""

    def __init__(self, kubeconfig: Mapping[str, Any]) -> None:
        cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
        authority = _decoded(cluster["certificate-authority-data"]).decode()
        self.url = f"{cluster['server']}/api/v1/namespaces/default/configmaps"
        self._trust = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile() as pair:  # readable by its owner only
            pair.write(_decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
            pair.flush()
            self._trust.load_cert_chain(pair.name)
        self._count = itertools.count()
        self.acknowledged: dict[str, float] = {}
        """When, by name."""

    def write(self, url: str, timeout: float) -> Probe:
        """One write, by a connection of its own."""
        at, name = time.monotonic(), f"write-{os.getpid()}-{next(self._count)}"
        body = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}).encode()
        asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=timeout, context=self._trust) as answer:
                answer.read()
        except (OSError, http.client.HTTPException) as error:
            return Probe(at=at, error=str(error))
        self.acknowledged[name] = time.monotonic()
        return Probe(at=at)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text)


def main(kubeconfig: str) -> int:
    """Write until the input ends."""
    writer, begun = Writer(yaml.safe_load(Path(kubeconfig).read_text())), time.monotonic()
    with Probing(writer.url, every=EVERY, timeout=TIMEOUT, by=writer.write) as seen:
        sys.stdin.read()
        ended = time.monotonic()
    times = [begun, *sorted(writer.acknowledged.values())]
    times.append(max(ended, times[-1]))  # what was begun in time may be acknowledged later
    longest = max(later - one for one, later in itertools.pairwise(times))
    print(
        json.dumps({"acknowledged": [*writer.acknowledged], "failed": seen.result.failed, "longest": longest})
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
