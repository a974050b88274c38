"""Whether the static pods of one control plane are well by themselves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from providers.core.host import Host
from providers.membership.admin import ADMIN_CONF, OWN_SERVER

_HEALTH = f"""
raw() {{ timeout 8 kubectl --request-timeout=5s "$@" >/dev/null 2>&1; }}
raw --kubeconfig {ADMIN_CONF} --server "{OWN_SERVER}" get --raw /readyz || echo kube-apiserver
raw --kubeconfig {ADMIN_CONF} --insecure-skip-tls-verify --server "https://$1:10257" get --raw /healthz ||
  echo kube-controller-manager
raw --kubeconfig {ADMIN_CONF} --insecure-skip-tls-verify --server "https://$2:10259" get --raw /healthz ||
  echo kube-scheduler
exit 0
"""
"""Their own certificates are self-signed; without credentials kubectl would ask for a user's name."""
_ANY = ("0.0.0.0", "::", None)
POLL = 2.0


def await_health(host: Host, cluster: Mapping[str, Any], seconds: float) -> list[str]:
    """The components that are not healthy after so many seconds: none as a rule.

    The API server is ready only when its etcd member answers.
    """
    bound = [_bound(cluster, "controllerManager"), _bound(cluster, "scheduler")]
    deadline = time.monotonic() + seconds
    while ill := _ask(host, bound):
        if time.monotonic() > deadline:
            return ill
        time.sleep(POLL)
    return []


def _bound(cluster: Mapping[str, Any], component: str) -> str:
    """Where a component listens: kubeadm's default is 127.0.0.1."""
    found = cluster.get(component, {}).get("extraArgs", {}).get("bind-address")
    return "127.0.0.1" if found in _ANY else str(found)


def _ask(host: Host, bound: Sequence[str]) -> list[str]:
    return host.run(["sh", "-c", _HEALTH, "health", *bound]).text.split()
