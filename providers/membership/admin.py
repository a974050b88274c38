"""The cluster's administrator: kubectl on a control plane that answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.core.errors import HostError, Unobservable
from providers.core.host import Argv, Completed, Host
from providers.core.thing import Rack

ADMIN_CONF = "/etc/kubernetes/admin.conf"
KUBELET_CONF = "/etc/kubernetes/kubelet.conf"
CACHE = "/run/helicon-kubectl"
"""Where kubectl keeps what it discovered: its own default is below the user's home."""
FORMED = "/var/lib/helicon/formed"
"""Marks a control plane of a cluster that became ready: from then on, leaving it has rules."""
AGE = 1.0
"""Seconds for which a look at a control plane serves all who wait for one, at least."""
REST = 5.0
"""Most seconds that a slow board is given before it is asked anew; as long as READY waits for an answer."""

READY: Argv = ("kubectl", "--kubeconfig", ADMIN_CONF, "--request-timeout=5s", "get", "--raw", "/readyz")
# admin.conf speaks to the endpoint, where any control plane answers; the controller manager's to the
# machine itself (GetKubeConfigSpecs in cmd/kubeadm/app/phases/kubeconfig/kubeconfig.go)
OWN_SERVER = "$(sed -n 's/^ *server: *//p' /etc/kubernetes/controller-manager.conf 2>/dev/null)"
LOOK = (
    'for file in "$@"; do [ -e "$file" ] && echo yes || echo no; done; '
    f'[ -e {ADMIN_CONF} ] && timeout 8 {" ".join(READY)} --server "{OWN_SERVER}" >/dev/null 2>&1 && '
    f"timeout 8 {' '.join(READY)} 2>/dev/null; exit 0"
)
STATUS: Argv = ("sh", "-c", LOOK, "status", ADMIN_CONF, FORMED)
"""Whether a control plane is a member, bears the mark, and its API is ready."""


class Peer:
    """What a control plane says of itself; a machine that cannot be asked is `unreachable`."""

    def __init__(self, host: Host, *, fresh: bool = True) -> None:
        self.host = host
        self.error: HostError | None = None
        self.member = self.formed = self.ready = False
        try:
            # `run`, not `ask`: while a cluster forms, what was asked at the run's beginning is of no use
            answer = host.run(STATUS) if fresh else host.ask([STATUS])[0]
        except HostError as error:
            self.error = error
            return
        self.member, self.formed, self.ready = parse_status(answer.text)


def parse_status(text: str) -> tuple[bool, bool, bool]:
    """Whether the machine has an admin.conf, bears the mark, and its API answers ready."""
    lines = text.splitlines()
    member, formed = (line == "yes" for line in lines[:2])
    return member, formed, any(line == "ok" for line in lines[2:])


@dataclass
class _Seen:
    lock: threading.Lock = field(default_factory=threading.Lock)
    peer: Peer | None = None
    until: float = 0.0


class Lookout:
    """What all who wait for a control plane see of it: whoever comes first looks, the others take the answer.

    A look starts two kubectl on a board that is just coming up; dozens of workers wait for it at once. It serves
    for `age` seconds, or longer where the board is slow to say that it is not ready (`_rest`).
    """

    def __init__(self, age: float) -> None:
        self._age = age
        self._lock = threading.Lock()
        self._seen: dict[Host, _Seen] = {}

    def peer(self, host: Host) -> Peer:
        """What the control plane said."""
        with self._lock:
            seen = self._seen.setdefault(host, _Seen())
        with seen.lock:
            began = time.monotonic()
            if seen.peer is None or began >= seen.until:
                seen.peer = Peer(host)
                ended = time.monotonic()
                seen.until = ended + max(self._age, _rest(seen.peer, ended - began))
            return seen.peer


def _rest(peer: Peer, took: float) -> float:
    """As long as the look took, so that looks have half of a board's time at most while its API comes up."""
    return 0.0 if peer.ready or peer.error else min(took, REST)


_LOOKOUT = Lookout(AGE)


def recent(host: Host) -> Peer:
    """What a control plane said a moment ago, to whoever asked."""
    return _LOOKOUT.peer(host)


def peers(rack: Rack, *, without: str = "", look: Callable[[Host], Peer] = Peer) -> list[Peer]:
    """The control planes of the rack, asked one after the other, but for one."""
    return [look(rack.host(name)) for name in rack.control_planes() if name != without]


def missing(rack: Rack, *, without: str) -> list[Peer]:
    """The other control planes that are not ready; one that cannot be asked may be a member, and counts."""
    return [one for one in peers(rack, without=without) if (one.member or one.error) and not one.ready]


def becomes_ready(
    host: Host, seconds: float, poll: float, waiting: Callable[[], None] = lambda: None
) -> bool:
    """Whether a control plane's own API answers ready in time; `waiting` is called before each pause."""
    deadline = time.monotonic() + seconds
    while not Peer(host).ready:
        if time.monotonic() > deadline:
            return False
        waiting()
        time.sleep(poll)
    return True


class Admin:
    """kubectl with the administrator's credentials, on one control plane."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def kubectl(self, *args: str, stdin: bytes = b"", timeout: float = 60.0, check: bool = True) -> Completed:
        """Run kubectl; `timeout` in seconds."""
        argv = ["kubectl", "--kubeconfig", ADMIN_CONF, "--cache-dir", CACHE, *args]
        return self.host.run(argv, stdin=stdin, timeout=timeout, check=check)

    def get(self, *args: str) -> Any:
        """`kubectl get -o json`, decoded."""
        return json.loads(self.kubectl("get", *args, "-o", "json").text)


def find_admin(
    rack: Rack, *, without: str = "", prefer: Sequence[str] = (), look: Callable[[Host], Peer] = Peer
) -> Admin:
    """An administrator on the first control plane whose API is ready.

    Raises Unobservable when there is none, naming what each said.
    """
    names = [*prefer, *(name for name in rack.control_planes() if name not in prefer)]
    said = []
    for name in names:
        if name == without:
            continue
        peer = look(rack.host(name))
        if peer.ready:
            return Admin(peer.host)
        said.append(f"{name}: {_silence(peer)}")
    raise Unobservable(
        host="cluster",
        item="API",
        expected="a control plane that answers ready",
        found="; ".join(said) or "no other control plane",
        next_step=f"kubectl --kubeconfig {ADMIN_CONF} get --raw /readyz?verbose (on a control plane)",
    )


def _silence(peer: Peer) -> str:
    if peer.error is not None:
        return "unreachable"
    return "API not ready" if peer.member else "not a member"
