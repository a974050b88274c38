"""A strict stand-in for an API server over real HTTP: it answers what a test told it to expect, in that
order.

Discovery is always answered. Anything else that was not expected is refused and makes `finished` fail.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from toolchain.plugins.kubernetes import tokens

PLURALS = {"NetworkPolicy": "networkpolicies", "PriorityClass": "priorityclasses", "Endpoints": "endpoints"}
KINDS = {
    "v1": "ConfigMap Endpoints Namespace Pod PersistentVolumeClaim Secret Service ServiceAccount",
    "apps/v1": "DaemonSet Deployment ReplicaSet StatefulSet",
    "batch/v1": "Job",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "apiregistration.k8s.io/v1": "APIService",
    "scheduling.k8s.io/v1": "PriorityClass",
    "g.example.test/v1": "Widget",
}


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One expected request and its answer; `body` None means that any body will do."""

    method: str
    path: str
    answer: dict[str, Any]
    status: int = 200
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)


class StandIn:
    """The server's script: what is still expected, and what came without being expected."""

    def __init__(self) -> None:
        self.url = ""
        self.expected: list[Exchange] = []
        self.surprises: list[str] = []
        self._lock = threading.Lock()

    def expect(self, *exchanges: Exchange) -> None:
        """Expect these requests after those that are expected already."""
        self.expected += exchanges

    def respond(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, dict[str, Any]]:
        """Return status and answer of a request."""
        if method == "GET" and (kinds := discovery(path)) is not None:
            return 200, kinds
        with self._lock:
            if self.expected and self._fits(self.expected[0], method, path, query, body):
                exchange = self.expected.pop(0)
                return exchange.status, exchange.answer
            wanted = f"; expected {self.expected[0]}" if self.expected else ""
            self.surprises.append(f"{method} {path} {query} {json.dumps(body)}{wanted}")
        return 418, {"kind": "Status", "message": "this request was not expected"}

    @staticmethod
    def _fits(one: Exchange, method: str, path: str, query: dict[str, str], body: Any) -> bool:
        known = one.method == method and one.path == path and one.query.items() <= query.items()
        return known and (one.body is None or one.body == body)

    def finished(self) -> None:
        """Fail unless everything expected came, and nothing else."""
        assert self.surprises == []
        assert self.expected == []

    def kubeconfig(self) -> str:
        """Return a kubeconfig that leads here."""
        return str(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "c", "cluster": {"server": self.url}}],
                    "users": [{"name": "u", "user": {"token": "t"}}],
                    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                    "current-context": "x",
                }
            )
        )


def path_of(obj: dict[str, Any], *, named: bool = True) -> str:
    """Return the path of an object, or of its collection."""
    version, kind = obj["apiVersion"], obj["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = obj["metadata"].get("namespace") if tokens.namespaced(version, kind) is not False else None
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{inside}/{plural(kind)}" + (f"/{obj['metadata']['name']}" if named else "")


def plural(kind: str) -> str:
    """Return a kind's name in paths."""
    return PLURALS.get(kind, kind.lower() + "s")


def discovery(path: str) -> dict[str, Any] | None:
    """Return the kinds of a group and version, None for any other path."""
    version = path.removeprefix("/apis/").removeprefix("/api/")
    if version not in KINDS:
        return None
    resources = [
        {"name": plural(kind), "kind": kind, "namespaced": tokens.namespaced(version, kind) is not False}
        for kind in KINDS[version].split()
    ]
    return {"kind": "APIResourceList", "groupVersion": version, "resources": resources}


@contextmanager
def standing_in() -> Iterator[StandIn]:
    """Run a stand-in on a loopback port."""
    standin = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 16  # one segment for each answer

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = standin.respond(self.command, parts.path, dict(parse_qsl(parts.query)), body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    standin.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield standin
    finally:
        server.shutdown()
        server.server_close()
