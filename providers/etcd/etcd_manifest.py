"""The static pod of an etcd member; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from config.merge import merged
from providers.etcd.etcdctl import CLIENT_PORT, PKI, client_url, peer_url
from providers.software.containerd_config import MARK

NEW, EXISTING = "new", "existing"
METRICS = "http://127.0.0.1:2381"
CA = "helicon/etcd-ca"
"""Annotation with the digest of the CA: etcd reads new certificates by itself, a new CA only when it starts."""
CONTAINER = "helicon/container"
"""Annotation with what the container has otherwise than here."""
CLUSTER, STATE = INITIAL = ("initial-cluster", "initial-cluster-state")
"""What only matters to the first start, and is kept as it was then."""


def text(wanted: Mapping[str, Any], initial: Mapping[str, str]) -> str:
    """The manifest's text."""
    return f"{MARK}\n{yaml.safe_dump(_pod(wanted, initial), sort_keys=False)}"


def parse(content: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """What a manifest was made of, and how it began; None where it is no manifest of ours."""
    try:
        pod = yaml.safe_load(content)
        container, mounted = pod["spec"]["containers"][0], pod["spec"]["volumes"][0]
        words = (word.removeprefix("--").partition("=") for word in container["command"][1:])
        found = {key: value for key, _, value in words}
        address = found["advertise-client-urls"].removeprefix("https://").rpartition(":")[0]
        wanted: dict[str, Any] = {
            "name": found["name"],
            "address": address,
            "data_directory": mounted["hostPath"]["path"],
            "image": container["image"],
            "ca": pod["metadata"]["annotations"][CA],
            "container": json.loads(pod["metadata"]["annotations"][CONTAINER]),
        }
    except (yaml.YAMLError, KeyError, IndexError, TypeError, AttributeError, ValueError):
        return None
    ours = {**_own(wanted), **{key: found.get(key, "") for key in INITIAL}}
    wanted["args"] = {
        key: value for key, value in found.items() if key not in INITIAL and ours.get(key) != value
    }
    return wanted, {key: found.get(key, "") for key in INITIAL}


def _own(wanted: Mapping[str, Any]) -> dict[str, str]:
    """The arguments that are not options: where it listens, and as whom."""
    address = str(wanted["address"])
    return {
        "name": str(wanted["name"]),
        "data-dir": str(wanted["data_directory"]),
        "listen-client-urls": f"https://127.0.0.1:{CLIENT_PORT},{client_url(address)}",
        "advertise-client-urls": client_url(address),
        "listen-peer-urls": peer_url(address),
        "initial-advertise-peer-urls": peer_url(address),
        "listen-metrics-urls": METRICS,
        "client-cert-auth": "true",
        "trusted-ca-file": f"{PKI}/ca.crt",
        "cert-file": f"{PKI}/server.crt",
        "key-file": f"{PKI}/server.key",
        "peer-client-cert-auth": "true",
        "peer-trusted-ca-file": f"{PKI}/ca.crt",
        "peer-cert-file": f"{PKI}/peer.crt",
        "peer-key-file": f"{PKI}/peer.key",
        # as kubeadm has them for etcd 3.6 and later
        "feature-gates": "InitialCorruptCheck=true",
        "watch-progress-notify-interval": "5s",
    }


def _pod(wanted: Mapping[str, Any], initial: Mapping[str, str]) -> dict[str, Any]:
    args = {**_own(wanted), **initial, **wanted.get("args", {})}
    data = str(wanted["data_directory"])
    overlay = dict(wanted.get("container", {}))
    container: dict[str, Any] = {
        "name": "etcd",
        "image": wanted["image"],
        "imagePullPolicy": "IfNotPresent",
        "command": ["etcd", *(f"--{key}={args[key]}" for key in sorted(args))],
        "resources": {"requests": {"cpu": "100m", "memory": "100Mi"}},
        "startupProbe": _probe("/readyz", 24),
        "livenessProbe": _probe("/livez", 8),
        "volumeMounts": [{"name": "data", "mountPath": data}, {"name": "pki", "mountPath": PKI}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "etcd",
            "namespace": "kube-system",
            "labels": {"component": "etcd", "tier": "control-plane"},
            "annotations": {CA: wanted["ca"], CONTAINER: json.dumps(overlay, sort_keys=True)},
        },
        "spec": {
            "hostNetwork": True,
            "priority": 2000001000,
            "priorityClassName": "system-node-critical",
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [merged(container, overlay)],
            "volumes": [
                {"name": "data", "hostPath": {"path": data, "type": "DirectoryOrCreate"}},
                {"name": "pki", "hostPath": {"path": PKI, "type": "DirectoryOrCreate"}},
            ],
        },
    }


def _probe(path: str, failures: int) -> dict[str, Any]:
    """Through the loopback address alone, whatever metrics address the options choose besides."""
    get = {"host": "127.0.0.1", "path": path, "port": 2381, "scheme": "HTTP"}
    return {"httpGet": get, "periodSeconds": 10, "timeoutSeconds": 15, "failureThreshold": failures}
