"""What works in a directory: the services and containers that stop while its data are moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

from providers.core.errors import HostError, Refused
from providers.core.host import Argv
from providers.core.service import last_lines
from providers.core.thing import Site
from providers.membership.admin import Peer, becomes_ready, missing
from providers.membership.turns import TURN

ALL = "all"
_SECONDS = 300
_API_SECONDS = 600
_POLL = 3.0

# TERM to the containers first, so that etcd and databases close their files; then what is left is killed.
_STOP = r"""
set -eu; which=$1; shift
running() {
  ctr -n k8s.io tasks ls 2>/dev/null | awk '$3 == "RUNNING" { print $1 }' | while read -r id; do
    [ "$which" = all ] || ctr -n k8s.io containers info "$id" | grep -q "io.kubernetes.container.name\": \"$which\"" ||
      continue
    echo "$id"
  done
}
[ "${1-}" != kubelet.service ] || systemctl stop kubelet.service
if [ -n "$which" ] && systemctl is-active -q containerd.service; then
  for id in $(running); do ctr -n k8s.io tasks kill "$id" || true; done
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do [ -n "$(running)" ] || break; sleep 2; done
  for id in $(running); do ctr -n k8s.io tasks kill -s SIGKILL "$id" || true; done
  if [ "$which" = all ]; then
    for id in $(ctr -n k8s.io tasks ls -q); do ctr -n k8s.io tasks delete --force "$id" >/dev/null 2>&1 || true; done
  fi
fi
if [ -n "$which" ] && systemctl is-active -q docker.service; then
  filter=; [ "$which" = all ] || filter="label=io.kubernetes.container.name=$which"
  docker ps -q ${filter:+--filter "$filter"} | xargs -r docker stop -t 30 >/dev/null
fi
[ "$#" -eq 0 ] || systemctl stop "$@"
"""
# The kubelet mounts volumes again when it starts; left mounted, they would be copied.
_UNMOUNT_VOLUMES = r"""
while read -r _ _ _ _ point _; do
  case $point in "$1"/*) printf '%s\n' "$point" ;; esac
done < /proc/self/mountinfo | LC_ALL=C sort -r | while read -r point; do umount "$(printf %b "$point")" || exit; done
"""
_START = 'systemctl daemon-reload; [ "$#" -eq 0 ] || systemctl start "$@"'


@dataclass(frozen=True, kw_only=True)
class Occupants:
    """Units, in the order in which they stop, and containers (by name, or all of them)."""

    units: tuple[str, ...] = ()
    containers: str = ""
    needed_by: tuple[str, ...] = ()
    """Units that must not start without the directory: with an empty one they would begin anew."""
    volumes: bool = False
    """Whether volumes of pods are mounted below."""
    journal: bool = False
    """Whether the system's journal is kept below; it waits in memory."""


_DOCKER = ("cri-docker.socket", "cri-docker.service", "docker.socket", "docker.service")
_KNOWN: Mapping[str, Occupants] = MappingProxyType(
    {
        "/var/lib/containerd": Occupants(
            units=("kubelet.service", "containerd.service"),
            containers=ALL,
            needed_by=("containerd.service",),
        ),
        "/var/lib/docker": Occupants(
            units=("kubelet.service", *_DOCKER), containers=ALL, needed_by=("docker.service",)
        ),
        "/var/lib/etcd": Occupants(
            units=("kubelet.service",), containers="etcd", needed_by=("kubelet.service",)
        ),
        "/var/lib/kubelet": Occupants(
            units=("kubelet.service",), containers=ALL, needed_by=("kubelet.service",), volumes=True
        ),
        "/var/log": Occupants(
            units=("kubelet.service", "containerd.service", *_DOCKER, "rsyslog.service"),
            containers=ALL,
            journal=True,
        ),
    }
)
"""Others are not stopped by themselves: what uses the directory is named."""


def of(directory: str) -> Occupants:
    """The occupants of a directory, one above it or one below it."""
    for known, here in _KNOWN.items():
        if f"{directory}/".startswith(f"{known}/") or known.startswith(f"{directory}/"):
            return here
    return Occupants()


@contextmanager
def turn(site: Site, directory: str) -> Iterator[None]:
    """Control planes of a cluster one after the other, so that etcd keeps its quorum; others at once."""
    if not of(directory).units or site.leaving or not Peer(site.host).member:
        yield
        return
    with TURN:
        away = [peer.host.name for peer in missing(site.rack, without=site.host.name)]
        if away:
            raise _others_away(site, directory, away)
        yield
        _await_own_api(site, directory)


def _await_own_api(site: Site, directory: str) -> None:
    line = f"{directory}: waiting for this machine's API server"
    if not becomes_ready(site.host, _API_SECONDS, _POLL, lambda: site.say(line)):
        raise HostError(
            host=str(site.host),
            item=f"binds {directory}",
            expected="its API server ready again, before the next control plane has its turn",
            found="not ready",
            next_step="journalctl -u kubelet -n 50 (on the machine), then pulumi up again",
        )


def _others_away(site: Site, directory: str, away: Sequence[str]) -> Refused:
    return Refused(
        host=str(site.host),
        item=f"binds {directory}",
        expected="all other control planes ready while this one's services stop",
        found=f"not ready: {', '.join(away)}",
        next_step="bring them up, or remove them from the stack file, then pulumi up again",
    )


def stop(site: Site, thing: str, directory: str) -> None:
    """Stop what runs, noted in the journal first, so that a later run starts it again."""
    here = of(directory)
    questions: list[Argv] = [("systemctl", "is-active", unit) for unit in here.units]
    answers = site.host.ask(questions)
    pairs = zip(here.units, answers, strict=True)
    active = [unit for unit, answer in pairs if answer.text in ("active", "activating", "reloading")]
    if active:
        site.say(f"{directory}: {', '.join(active)} stopped meanwhile")
        site.journal.remember(thing, {_key(directory): " ".join(active)})
    if here.units:
        _run(site, directory, ["sh", "-c", _STOP, "stop", here.containers, *active])
    if here.volumes:
        _run(site, directory, ["sh", "-c", _UNMOUNT_VOLUMES, "unmount-volumes", directory])
    if here.journal:
        site.host.run(["journalctl", "--relinquish-var"], check=False)


def start(site: Site, thing: str, directory: str) -> None:
    """Start again what this run, or one that was killed, had stopped."""
    here, stopped = of(directory), site.journal.recall(thing, [_key(directory)])
    units = [unit for entry in stopped.values() for unit in reversed(entry.split())]
    _run(site, directory, ["sh", "-c", _START, "start", *units])
    if here.journal:
        site.host.run(["journalctl", "--flush"], check=False)
    site.journal.forget(thing, stopped)


def _key(directory: str) -> str:
    return f"stopped {directory}"


def _run(site: Site, directory: str, argv: list[str]) -> None:
    done = site.host.run(argv, timeout=_SECONDS, check=False)
    if not done.ok:
        verb = "stopped" if argv[3] != "start" else "running again"
        raise HostError(
            host=str(site.host),
            item=f"binds {directory}",
            expected=f"its services {verb}",
            found=last_lines(done),
            next_step="see `systemctl --failed` there, then pulumi up again",
        )
