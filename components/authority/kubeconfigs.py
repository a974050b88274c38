"""Kubeconfigs, composed in the program: no host has to be read for them; pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping


def kubeconfig(name: str, server: str, parts: Mapping[str, str], user: str = "admin") -> str:
    """A kubeconfig (JSON, which is YAML) with the CAs, the client's certificate and its key inside."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in parts.items()}
    user = f"{name}-{user}"
    cluster = {"server": server, "certificate-authority-data": data["ca"]}
    identity = {"client-certificate-data": data["cert"], "client-key-data": data["key"]}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": identity}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    return json.dumps(document, indent=2) + "\n"
