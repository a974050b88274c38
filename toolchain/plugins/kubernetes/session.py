"""A configured provider: its options, its cluster, and whether that can be reached."""

from __future__ import annotations

import threading
import time

from toolchain.plugins.kubernetes import cluster, tokens
from toolchain.plugins.kubernetes.cluster import Cluster, NoMatch, Refused, Unreachable
from toolchain.plugins.kubernetes.configuration import Options
from toolchain.plugins.kubernetes.objects import Object, text_at

_PROBE_AGAIN = 5.0  # seconds


class Session:
    """What one Configure call set up; its cluster is asked once then, and again before a write if it was
    away."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.reason = ""
        self._cluster: Cluster | None = None
        self._probed = 0.0
        self._lock = threading.Lock()
        self._scopes: dict[tuple[str, str], bool] = {}
        try:
            self._cluster = cluster.connect(options)
        except Unreachable as error:
            self.reason = str(error)
        else:
            self._probe(self._cluster)

    def _probe(self, found: Cluster) -> None:
        try:
            cluster.probe(found)
            self.reason = ""
        except Unreachable as error:
            self.reason = str(error)
        self._probed = time.monotonic()

    @property
    def unreachable(self) -> bool:
        """Whether the cluster did not answer when it was last probed."""
        return bool(self.reason)

    @property
    def namespace(self) -> str:
        """The namespace of objects that name none; empty where the configuration cannot be read."""
        return (self._cluster.namespace or "default") if self._cluster else ""

    def cluster(self) -> Cluster:
        """Return the cluster for reading; raises Unreachable."""
        if self._cluster is None or self.reason:
            raise Unreachable(self.reason)
        return self._cluster

    def writable(self) -> Cluster:
        """Return the cluster for a write; one that was away is probed again: this `up` may have brought it
        back."""
        with self._lock:
            if self._cluster and self.reason and time.monotonic() - self._probed >= _PROBE_AGAIN:
                self._probe(self._cluster)
        return self.cluster()

    def exists(self, obj: Object) -> bool:
        """Whether the cluster answers and knows the object's kind."""
        try:
            self.cluster().kind_of(obj)
        except (Unreachable, NoMatch, Refused):
            return False
        return True

    def learn(self, definition: Object) -> None:
        """Remember the scope of a custom kind that the program is going to define."""
        key = (text_at(definition, "spec", "group"), text_at(definition, "spec", "names", "kind"))
        self._scopes[key] = text_at(definition, "spec", "scope") == "Namespaced"

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of the kind live in a namespace; a kind that nobody knows yet is taken to."""
        known = tokens.namespaced(api_version, kind)
        if known is None:
            known = self._scopes.get((api_version.rpartition("/")[0], kind))
        if known is None:
            known = self._ask(api_version, kind)
        return known is not False

    def _ask(self, api_version: str, kind: str) -> bool | None:
        try:
            return self.cluster().kind(api_version, kind).namespaced
        except (Unreachable, NoMatch, Refused):
            return None
