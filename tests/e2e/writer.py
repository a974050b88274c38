"""A ConfigMap made twice a second: `python -m tests.e2e.writer KUBECONFIG` until its input ends.

Prints as JSON what was acknowledged, and the longest time between two acknowledged writes in seconds.
Each write is a connection of its own; a process for each, such as kubectl's, would be the load of a
core while boards on the same machine change.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

EVERY = 0.5
TIMEOUT = 4.0
_PATH = "/api/v1/namespaces/default/configmaps"


class Writer:
    """Writes as the administrator of a kubeconfig."""

    def __init__(self, kubeconfig: Mapping[str, Any]) -> None:
        cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
        self._server = urlsplit(cluster["server"])
        self._trust = ssl.create_default_context(
            cadata=_decoded(cluster["certificate-authority-data"]).decode()
        )
        with tempfile.NamedTemporaryFile() as pair:  # readable by its owner only
            pair.write(_decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
            pair.flush()
            self._trust.load_cert_chain(pair.name)
        self.acknowledged: list[str] = []
        self.longest = 0.0

    def until(self, end: threading.Event) -> None:
        """Write, one after the other."""
        last, count = time.monotonic(), 0
        while not end.wait(EVERY):
            count += 1
            name = f"write-{os.getpid()}-{count}"
            if self._create(name):
                self.acknowledged.append(name)
                self.longest, last = max(self.longest, time.monotonic() - last), time.monotonic()
        self.longest = max(self.longest, time.monotonic() - last)

    def _create(self, name: str) -> bool:
        port = self._server.port or 443
        to = http.client.HTTPSConnection(
            self._server.hostname or "", port, timeout=TIMEOUT, context=self._trust
        )
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        try:
            to.request("POST", _PATH, json.dumps(body), {"Content-Type": "application/json"})
            return to.getresponse().status == http.client.CREATED
        except (OSError, http.client.HTTPException):
            return False
        finally:
            to.close()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text)


def main(kubeconfig: str) -> int:
    """Write until the input ends."""
    writer, end = Writer(yaml.safe_load(Path(kubeconfig).read_text())), threading.Event()
    thread = threading.Thread(target=writer.until, args=[end])
    thread.start()
    sys.stdin.read()
    end.set()
    thread.join()
    print(json.dumps({"acknowledged": writer.acknowledged, "longest": writer.longest}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
