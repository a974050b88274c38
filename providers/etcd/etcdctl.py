"""etcd's members, seen and told by etcdctl inside of a member's own container."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from providers.core.errors import HostError
from providers.core.host import Argv, Completed, Host
from providers.core.thing import Rack

PKI = "/etc/kubernetes/pki/etcd"
MANIFEST = "/etc/kubernetes/manifests/etcd.yaml"
CLIENT_PORT, PEER_PORT = 2379, 2380
HEALTHY = "healthy"
SETTLING = 60.0
"""Seconds for which a change of the members is tried."""
POLL = 2.0
PATIENCE = "6s"
"""Most time for one answer of etcdctl, which itself gives up after five seconds."""

# ctr comes with every containerd; crictl is in no bundle and in no package of the distributions.
_EXEC = f"""
etcdctl() {{
  for id in $(ctr -n k8s.io containers list -q 'labels."io.kubernetes.container.name"==etcd' 2>/dev/null); do
    ctr -n k8s.io tasks list | grep -q "^$id .*RUNNING" || continue
    timeout "$patience" ctr -n k8s.io tasks exec --exec-id "helicon-$$" "$id" etcdctl \\
      --endpoints=https://127.0.0.1:{CLIENT_PORT} --cacert={PKI}/ca.crt \\
      --cert={PKI}/healthcheck-client.crt --key={PKI}/healthcheck-client.key "$@"
    return
  done
  echo 'no container of etcd runs' >&2; return 69
}}
patience=$1; shift
"""
_TELL = _EXEC + 'etcdctl "$@"'
_HEALTH = _EXEC + f"etcdctl endpoint health >/dev/null 2>&1 && echo {HEALTHY}; exit 0"
_LOOK = (
    _EXEC
    + f"""
[ -e {MANIFEST} ] && echo yes || echo no
etcdctl member list 2>/dev/null && etcdctl endpoint health --cluster 2>/dev/null
exit 0
"""
)
LOOK: Argv = ("sh", "-c", _LOOK, "look", PATIENCE)
HEALTH: Argv = ("sh", "-c", _HEALTH, "health", PATIENCE)
"""Whether the machine's own member takes part in a quorum."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member as etcd lists it; one that was added and never started has no name."""

    identifier: str
    started: bool
    name: str
    peer_url: str
    learner: bool


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What an etcd machine says: whether it was made a member, who the members are, and who of them is well."""

    begun: bool
    members: tuple[Member, ...] = ()
    """None where its etcd does not answer, or has no quorum."""
    healthy: tuple[str, ...] = ()
    """Client URLs."""


class Peer:
    """Another machine of the etcd cluster; one that cannot be asked has an `error`."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.error: HostError | None = None
        self.seen = Seen(begun=False)
        try:
            self.seen = parse_look(host.run(LOOK).text)
        except HostError as error:
            self.error = error


def peers(rack: Rack, *, without: str) -> list[Peer]:
    """The configured machines of the etcd cluster, but for one."""
    return [Peer(rack.host(name)) for name in rack.etcd_members() if name != without]


def teller(found: Sequence[Peer]) -> Peer | None:
    """A machine through which the cluster can be told something: its etcd answers with a quorum."""
    return next((peer for peer in found if peer.seen.members), None)


def tell(host: Host, *words: str, check: bool = True) -> Completed:
    """Run etcdctl on a machine whose etcd runs."""
    return host.run(["sh", "-c", _TELL, "etcdctl", "15s", *words], timeout=30, check=check)


def reconfigure(host: Host, *words: str) -> None:
    """Add or remove a member, again and again for a while.

    etcd refuses both until all members have been connected for five seconds (HealthInterval in
    server/etcdserver/server.go), which one that just joined has not.
    """
    deadline = time.monotonic() + SETTLING
    while not tell(host, "member", *words, check=False).ok:
        if time.monotonic() > deadline:
            tell(host, "member", *words)
            return
        time.sleep(POLL)


def peer_url(address: str) -> str:
    """Where a member is reached by the others."""
    return f"https://{address}:{PEER_PORT}"


def client_url(address: str) -> str:
    """Where a member is reached by API servers."""
    return f"https://{address}:{CLIENT_PORT}"


def parse_look(text: str) -> Seen:
    """The answer to LOOK: yes or no, then members, then who is healthy."""
    begun, *rest = text.splitlines() or ["no"]
    members = tuple(parse_member(line) for line in rest if line.count(", ") >= 5)
    healthy = tuple(line.partition(" ")[0] for line in rest if " is healthy" in line)
    return Seen(begun=begun == "yes", members=members, healthy=healthy)


def parse_member(line: str) -> Member:
    """A line of `etcdctl member list`: id, status, name, peer URLs, client URLs, whether it is a learner."""
    identifier, status, name, peer, _, learner = line.split(", ", 5)
    return Member(
        identifier=identifier,
        started=status == "started",
        name=name,
        peer_url=peer,
        learner=learner == "true",
    )


def listed(seen: Seen, name: str, address: str) -> Member | None:
    """The member of that name or address."""
    return next((one for one in seen.members if one.name == name or one.peer_url == peer_url(address)), None)


def others_well(seen: Seen, name: str, address: str) -> tuple[int, int]:
    """How many voters there are, and how many besides this one are healthy."""
    own = listed(seen, name, address)
    voters = [one for one in seen.members if not one.learner]
    urls = {one.peer_url.replace(f":{PEER_PORT}", f":{CLIENT_PORT}") for one in voters if one != own}
    return len(voters), len(urls.intersection(seen.healthy))
