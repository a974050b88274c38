"""Bootstrap tokens: whoever joins at the same time shares one, and the last of them takes it back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from providers.core.host import Host
from providers.membership.admin import ADMIN_CONF, CACHE

FRESH = 300.0
"""Seconds after which a joining machine gets a token of its own: the former one lives 15 minutes."""
_CREATE = f"""
token=$(kubeadm token create --ttl 15m) || exit
signed="jsonpath={{.data.jws-kubeconfig-${{token%%.*}}}}"
for try in $(seq 60); do
  kubectl --kubeconfig {ADMIN_CONF} --cache-dir {CACHE} --namespace kube-public get configmap cluster-info \\
    -o "$signed" 2>/dev/null | grep -q . && break
  sleep 0.5
done
echo "$token"
"""
"""With a token that the controller manager has signed for: kubeadm looks for the signature once, and the next
time after five seconds (DiscoveryRetryInterval in cmd/kubeadm/app/constants/constants.go)."""


@dataclass
class _Token:
    text: str
    since: float
    users: int = 0


class Tokens:
    """The tokens in use, by the control plane that made them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[Host, _Token] = {}

    @contextmanager
    def by(self, admin: Host) -> Iterator[str]:
        """A token for one join, by a control plane that answers."""
        token = self._take(admin)
        try:
            yield token.text
        finally:
            with self._lock:
                token.users -= 1
                last = not token.users
            if last:
                identifier = token.text.partition(".")[0]
                admin.run(["kubeadm", "token", "delete", identifier], check=False)

    def _take(self, admin: Host) -> _Token:
        with self._lock:
            token = self._tokens.get(admin)
            if token is None or not token.users or time.monotonic() - token.since > FRESH:
                made = admin.run(["sh", "-c", _CREATE, "create"], secret=True, timeout=120)
                token = self._tokens[admin] = _Token(made.text.strip(), time.monotonic())
            token.users += 1
            return token


TOKENS = Tokens()
