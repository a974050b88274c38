"""Requests to a Kubernetes API server: discovery, objects, and the errors that it answers with."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException

from toolchain.plugins.kubernetes.configuration import BadKubeconfig, Options
from toolchain.plugins.kubernetes.kubeconfig import client_of
from toolchain.plugins.kubernetes.objects import Object, namespace_of

_TIMEOUT = (5.0, 32.0)  # seconds to connect, to answer (webhooks may take 30)
_BUSY = (429, 503)
_BUSY_TRIES, _BUSY_WAIT = 5, 5.0
APPLY, JSON_PATCH = "application/apply-patch+yaml", "application/json-patch+json"


class Unreachable(Exception):
    """No API server answers, or it refuses the credentials; the message says why."""


class NoMatch(Exception):
    """The server knows no such kind."""


class Refused(Exception):
    """An answer other than success: HTTP code, reason, message, and the kind of object that it is about."""

    def __init__(self, code: int, reason: str, message: str, about: str = "") -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.about = code, reason, message, about

    @property
    def not_found(self) -> bool:
        """Whether the object (or its namespace) does not exist."""
        return self.code == 404


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How the server names a kind in its paths."""

    api_version: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Return the path of the collection, or of the object with this name."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        inside = f"/namespaces/{quote(namespace or 'default')}" if self.namespaced else ""
        return f"{root}{inside}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")


class Cluster:
    """One API server; safe to use from many threads."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self._client = client
        self.namespace = namespace
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._lock = threading.Lock()

    def kind(self, api_version: str, kind: str) -> Kind:
        """Return a kind, asking the server once for each group and version; raises NoMatch, Unreachable."""
        version = api_version.removeprefix("core/")
        with self._lock:
            if (version, kind) not in self._kinds:
                self._discover(version)
            found = self._kinds.get((version, kind))
        if found is None:
            raise NoMatch(f'no matches for kind "{kind}" in version "{version}"')
        return found

    def _discover(self, api_version: str) -> None:
        try:
            answer = self.request("GET", f"/{'apis' if '/' in api_version else 'api'}/{api_version}")
        except Refused as error:
            if error.not_found:
                return
            raise
        for item in answer.get("resources", []):
            if "/" not in item["name"]:
                self._kinds[api_version, item["kind"]] = Kind(
                    api_version=api_version, plural=item["name"], namespaced=item["namespaced"]
                )

    def forget_kinds(self) -> None:
        """Ask the server for its kinds anew from now on."""
        with self._lock:
            self._kinds.clear()

    def kind_of(self, obj: Object) -> Kind:
        """Return the kind of an object; raises NoMatch, Unreachable."""
        return self.kind(str(obj["apiVersion"]), str(obj["kind"]))

    def get(self, like: Object, name: str) -> Object:
        """Return the live object of this name, of the kind and in the namespace of `like`."""
        return self.request("GET", self.kind_of(like).path(namespace_of(like), name))

    def items(self, api_version: str, kind: str, namespace: str, labels: str = "") -> list[Object]:
        """Return the objects of a kind in a namespace, optionally those that a label selector matches."""
        query = {"labelSelector": labels} if labels else {}
        answer = self.request("GET", self.kind(api_version, kind).path(namespace), query=query)
        return list(answer.get("items") or [])

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        content: str = "",
    ) -> Object:
        """Send one request and return the JSON answer; raises Refused, Unreachable."""
        url = self._client.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        for attempt in range(_BUSY_TRIES):
            answer = self._send(method, url, body, content or "application/json")
            if answer.status not in _BUSY or attempt == _BUSY_TRIES - 1:
                break
            time.sleep(_wait(answer))
        data = _json(answer.data)
        if not 200 <= answer.status < 300:
            details = data.get("details") or {}
            message = data.get("message") or f"the server answered {answer.status}"
            raise Refused(answer.status, data.get("reason", ""), message, details.get("kind", ""))
        return data

    def _send(self, method: str, url: str, body: Any, content: str) -> Any:
        headers = {"Accept": "application/json", "Content-Type": content, "User-Agent": "helicon"}
        self._client.update_params_for_auth(headers, [], ["BearerToken"], "", method, body)
        try:
            rest: Any = self._client.rest_client
            answer = rest.request(method, url, headers=headers, body=body, _request_timeout=_TIMEOUT)
            answer.read()
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            raise Unreachable(_short(error)) from error
        return answer


def connect(options: Options) -> Cluster:
    """Return the cluster of a provider's options, without asking it anything; raises Unreachable."""
    try:
        return Cluster(*client_of(options))
    except BadKubeconfig as error:
        text = f"failed to parse kubeconfig data in `kubernetes:config:kubeconfig`- {error}"
        raise Unreachable(text) from error
    except (ConfigException, OSError, KeyError, TypeError, ValueError) as error:
        raise Unreachable(
            f"unable to load Kubernetes client configuration from kubeconfig: {error}"
        ) from error


def probe(cluster: Cluster) -> None:
    """Ask the server for its core kinds, as anything that follows needs them; raises Unreachable."""
    try:
        cluster.kind("v1", "Namespace")
    except (Refused, NoMatch) as error:
        raise Unreachable(f"unable to load schema information from the API server: {error}") from error
    except Unreachable as error:
        raise Unreachable(f"unable to load schema information from the API server: {error}") from error


def _json(data: bytes | None) -> Object:
    try:
        found = json.loads(data or b"{}")
    except ValueError:
        return {"message": (data or b"").decode(errors="replace").strip()[:500]}
    return found if isinstance(found, dict) else {}


def _wait(answer: Any) -> float:
    after = answer.headers.get("Retry-After", "1")
    return min(float(after), _BUSY_WAIT) if after.isdigit() else 1.0


def _short(error: BaseException) -> str:
    """Return the cause at the bottom of a chain of connection errors."""
    reason = getattr(error, "reason", None)
    return _short(reason) if isinstance(reason, BaseException) else str(reason or error)
