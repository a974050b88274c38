"""A ConfigMap made twice a second: `python -m tests.e2e.writer KUBECONFIG` until its input ends.

Prints as JSON what was acknowledged, how many writes were not, and the longest gap in seconds, as of
probes. Each write is a connection of its own and waits for no other; a process for each, such as
kubectl's, would be the load of a core while boards on the same machine change.
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
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from providers.failover.probe import Probe, result

EVERY = 0.5
TIMEOUT = 4.0
_AT_ONCE = 16
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

    def until(self, end: threading.Event) -> dict[str, Probe]:
        """Begin a write every half second; what came of each, by name."""
        begun: dict[str, Future[Probe]] = {}
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            while not end.wait(EVERY):
                name = f"write-{os.getpid()}-{len(begun)}"
                begun[name] = threads.submit(self._write, name)
        return {name: one.result() for name, one in begun.items()}

    def _write(self, name: str) -> Probe:
        at = time.monotonic()
        return Probe(at=at, error="" if self._create(name) else "not acknowledged")

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

    def until_told() -> None:
        sys.stdin.read()
        end.set()

    threading.Thread(target=until_told, daemon=True).start()
    found = writer.until(end)
    acknowledged = [name for name, one in found.items() if not one.error]
    seen = result(list(found.values()))
    print(json.dumps({"acknowledged": acknowledged, "failed": seen.failed, "longest": seen.longest}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
