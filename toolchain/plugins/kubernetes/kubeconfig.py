"""From a kubeconfig to a client: which context, which credentials, with no key left behind on disk."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from pathlib import Path
from typing import Any

import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import kube_config

from toolchain.plugins.kubernetes.configuration import BadKubeconfig, Options, parse_kubeconfig
from toolchain.plugins.kubernetes.objects import Object, pluck

_CONNECTIONS = 32
_DEFAULT_PATH = "~/.kube/config"
_CLIENT = ("client-certificate-data", "client-key-data")
_AUTHORITY = "certificate-authority-data"
_loader: Any = kube_config  # not annotated upstream


def client_of(options: Options) -> tuple[ApiClient, str]:
    """Return a client for a provider's options and the default namespace; raises BadKubeconfig and what the
    Kubernetes client raises for a kubeconfig that lacks something.
    """
    config = parse_kubeconfig(options.kubeconfig or _ambient())
    name = options.context or config.get("current-context")
    context = _entry(config, "contexts", name, "context")
    cluster = _entry(config, "clusters", options.cluster or context.get("cluster"), "cluster")
    user = _entry(config, "users", context.get("user"), "user")
    client = ApiClient(configuration=_settings(cluster, user))
    if client.configuration.host.startswith("https:"):
        _trust(client, cluster, user)
    return client, options.namespace or str(context.get("namespace") or "")


def _ambient() -> str:
    """Return the path that kubectl would use; the first one where there are several."""
    paths = (os.environ.get("KUBECONFIG") or _DEFAULT_PATH).split(os.pathsep)
    found = next((path for path in paths if Path(path).expanduser().is_file()), "")
    if not found:
        raise BadKubeconfig(f"no configuration given, and none found in {', '.join(paths)}")
    return found


def _entry(config: Object, section: str, name: Any, key: str) -> Object:
    for one in config.get(section) or []:
        if isinstance(one, dict) and one.get("name") == name and isinstance(one.get(key), dict):
            return dict(one[key])
    raise BadKubeconfig(f"{section}: expected an entry named {name!r}, found none")


def _settings(cluster: Object, user: Object) -> Configuration:
    """Return the client's settings: address, token, exec plugins; certificates given as data stay out of
    them."""
    public = {key: value for key, value in cluster.items() if key != _AUTHORITY}
    rest = {key: value for key, value in user.items() if key not in _CLIENT}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": public}],
        "users": [{"name": "u", "user": rest}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    settings = Configuration()
    settings.retries = 1
    settings.connection_pool_maxsize = _CONNECTIONS
    _loader.load_kube_config_from_dict(config, client_configuration=settings, persist_config=False)
    return settings


def _trust(client: ApiClient, cluster: Object, user: Object) -> None:
    """Give the client its TLS context.

    The client library would write certificates and the private key to files that a killed process leaves
    behind.
    """
    settings = client.configuration
    verify = ssl.CERT_REQUIRED if settings.verify_ssl else ssl.CERT_NONE
    context = urllib3.util.ssl_.create_urllib3_context(cert_reqs=verify)
    authority = cluster.get(_AUTHORITY)
    if authority:
        context.load_verify_locations(cadata=base64.b64decode(authority).decode())
    elif settings.ssl_ca_cert:
        context.load_verify_locations(cafile=settings.ssl_ca_cert)
    else:
        context.load_default_certs()
    if all(pluck(user, key) for key in _CLIENT):
        _load_client(context, *(base64.b64decode(user[key]) for key in _CLIENT))
    elif settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    pool: dict[str, Any] = client.rest_client.pool_manager.connection_pool_kw
    for key in ("ca_certs", "cert_file", "key_file", "ca_cert_data"):
        pool.pop(key, None)
    pool["ssl_context"] = context


def _load_client(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a certificate and its key, which Python can only do from files: in memory, and gone at once."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as directory:
        both = Path(directory) / "client.pem"
        both.touch(mode=0o600)
        both.write_bytes(certificate + b"\n" + key)
        context.load_cert_chain(both)
