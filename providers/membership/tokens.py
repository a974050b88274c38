"""Bootstrap tokens: whoever joins at the same time shares one, and the last of them takes it back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from providers.core.errors import HostError
from providers.core.host import Host
from providers.membership.admin import ADMIN_CONF, CACHE

FRESH = 300.0
"""Seconds after which a joining machine gets a token of its own: each lives 25 minutes, a join takes at most 15."""
_CREATE = f"""
token=$(kubeadm token create --ttl 25m) || exit
signed="jsonpath={{.data.jws-kubeconfig-${{token%%.*}}}}"
end=$(($(date +%s) + 30))
while [ "$(date +%s)" -lt "$end" ]; do
  kubectl --kubeconfig {ADMIN_CONF} --cache-dir {CACHE} --request-timeout=5s --namespace kube-public \\
    get configmap cluster-info -o "$signed" 2>/dev/null | grep -q . && break
  sleep 0.5
done
echo "$token"
"""
"""With a token that the controller manager has signed for: kubeadm looks for the signature once, and the next
time after five seconds (DiscoveryRetryInterval in cmd/kubeadm/app/constants/constants.go)."""


class _Token:
    def __init__(self, text: str) -> None:
        self.text = text
        self._since = time.monotonic()
        self._lock = threading.Lock()
        self._users = 1

    def share(self) -> bool:
        """Whether it has one user more; one that is old or was taken back has not."""
        with self._lock:
            if not self._users or time.monotonic() - self._since > FRESH:
                return False
            self._users += 1
            return True

    def leave(self) -> bool:
        """Whether that was the last user."""
        with self._lock:
            self._users -= 1
            return not self._users


@dataclass
class _Issuer:
    """A control plane, one token at a time; whoever waited for one that could not be made has the same error."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: _Token | None = None
    error: HostError | None = None
    failed_at: float = 0.0

    def token_by(self, admin: Host) -> _Token:
        begun = time.monotonic()
        with self.lock:
            if self.error is not None and self.failed_at > begun:
                raise self.error
            if self.token is None or not self.token.share():
                self.token = self._made(admin)
            return self.token

    def _made(self, admin: Host) -> _Token:
        try:
            made = admin.run(["sh", "-c", _CREATE, "create"], secret=True, timeout=120)
        except HostError as error:
            self.error, self.failed_at = error, time.monotonic()
            raise
        return _Token(made.text.strip())


class Tokens:
    """The tokens in use, by the control plane that made them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._issuers: dict[Host, _Issuer] = {}

    @contextmanager
    def by(self, admin: Host) -> Iterator[str]:
        """A token for one join, by a control plane that answers."""
        with self._lock:
            issuer = self._issuers.setdefault(admin, _Issuer())
        token = issuer.token_by(admin)
        try:
            yield token.text
        finally:
            if token.leave():
                with suppress(HostError):  # it ends by itself
                    admin.run(["kubeadm", "token", "delete", token.text.partition(".")[0]], check=False)


TOKENS = Tokens()
