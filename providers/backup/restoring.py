"""The way back from a snapshot: prepared beside the living data, then swapped on all members at once.

Until every member is stopped nothing is changed; until the new etcd is healthy a failure puts the
former data back. Cut anywhere, it is run again: each run prepares anew, and what it finds in place
is set aside under its own time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from providers.backup.machines import on_each
from providers.backup.restore_script import SNAPSHOT, STEPS, WORK
from providers.core.errors import HostError, Refused
from providers.core.host import Completed, Host
from providers.core.journal import Journal
from providers.core.thing import Rack, Site
from providers.membership.admin import FORMED, Admin, becomes_ready
from providers.membership.kubeadm_reset import reset

API = ("kube-apiserver",)
REST = ("kube-controller-manager", "kube-scheduler")
STOP_SECONDS = 180
HEALTH_SECONDS = 180.0
API_SECONDS = 300.0
POLL = 2.0
STEP_SECONDS = 1800.0
"""Seconds for one step: a slow card writes a database of 2 GiB in some minutes."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a member says of itself; nothing of it changes with a restore."""

    name: str
    peer: str
    data: str
    area: str
    """Where the new data is prepared and the former set aside."""
    running: bool


@dataclass(frozen=True, kw_only=True)
class Restore:
    """A restore: the members that will be, those that will not, and the API servers, each by its machine."""

    members: Sequence[Host]
    excluded: Sequence[Host]
    """Former members that are reset, to join again by an ordinary `up`."""
    servers: Sequence[Host]
    """Machines with an API server that stay; with stacked etcd, the members."""
    rack: Rack
    snapshot: Path
    digest: str
    say: Callable[[str], None]
    stamp: str

    def run(self) -> None:
        """All of it; raises the first error, after what could be put back was put back."""
        seen = dict(zip(self.members, on_each(self.members, look), strict=True))
        self._prepare(seen)
        try:
            self._swap()
            self._start_etcd()
        except BaseException as error:
            self._undo()
            raise self._failed(error, seen) from error
        self._start_api(seen)
        self._let_the_others_go()
        on_each(self.members, lambda host: step(host, "finish"))
        on_each(self._apart(), lambda host: step(host, "api_finish"))

    def _prepare(self, seen: dict[Host, Seen]) -> None:
        self.say("preparing the new data beside the old; nothing is stopped yet")
        initial = ",".join(f"{one.name}={one.peer}" for one in seen.values())
        token = f"helicon-{self.stamp}"
        size = str(self.snapshot.stat().st_size)

        def prepare(host: Host) -> None:
            step(host, "room", size)
            host.upload(self.snapshot, SNAPSHOT, mode=0o600, timeout=STEP_SECONDS)
            step(host, "prepare", self.digest, initial, token)

        on_each(self.members, prepare)

    def _swap(self) -> None:
        self.say("stopping API servers and etcd")
        on_each(self._all(), self._stop)
        self.say("former data aside, new data in its place")
        on_each(self.members, lambda host: step(host, "swap", self.stamp))
        on_each(self.excluded, lambda host: step(host, "aside", self.stamp))

    def _stop(self, host: Host) -> None:
        step(host, "api_stop" if host in self._apart() else "stop", str(STOP_SECONDS))

    def _start_etcd(self) -> None:
        self.say("starting etcd")
        on_each(self.members, lambda host: step(host, "start", "etcd"))
        deadline = time.monotonic() + HEALTH_SECONDS
        while sick := [host for host in self.members if not step(host, "health", check=False).ok]:
            if time.monotonic() > deadline:
                raise Refused(
                    host=str(sick[0]),
                    item="etcd",
                    expected=f"healthy within {HEALTH_SECONDS:.0f} s",
                    found="no quorum",
                    next_step="crictl logs of etcd, or journalctl -u kubelet -n 50, on that machine",
                )
            time.sleep(POLL)

    def _start_api(self, seen: dict[Host, Seen]) -> None:
        self.say("starting API servers")
        for names in (API, REST):
            on_each(self.servers, partial(self._start, names))
        for host in self.servers:
            if not becomes_ready(host, API_SECONDS, POLL):
                raise Refused(
                    host=str(host),
                    item="API server",
                    expected=f"ready within {API_SECONDS:.0f} s on the restored etcd",
                    found="not ready",
                    next_step=f"this command again; the former data: {_places(seen, self.stamp)}",
                )
        on_each(self.servers, lambda host: host.run(["systemctl", "restart", "kubelet.service"]))

    def _start(self, names: Sequence[str], host: Host) -> None:
        step(host, "api_start" if host in self._apart() else "start", *names)

    def _let_the_others_go(self) -> None:
        """Reset the machines that are no members any more; `up` sees that they are none and lets them join."""
        for host in self.excluded:
            self.say(f"resetting {host.name}; pulumi up lets it join again")
            here = Site(host=host, journal=Journal(host), rack=self.rack, say=self.say)
            node = host.run(["uname", "-n"]).text.partition(".")[0]
            reset(here, left=True)
            host.run(["rm", "-rf", FORMED, WORK])
            Admin(self.servers[0]).kubectl("delete", "node", node, "--ignore-not-found", "--wait=false")

    def _undo(self) -> None:
        """The former data and manifests, as far as each machine lets it."""
        self.say("putting the former state back")
        attempts: tuple[Callable[[Host], object], ...] = (
            self._stop,
            lambda host: step(host, "unswap", self.stamp) if host in self.members else None,
            lambda host: step(host, "unaside", self.stamp) if host in self.excluded else None,
            partial(self._start, ("etcd", *API, *REST)),
        )
        for attempt in attempts:
            on_each(self._all(), partial(self._try, attempt))

    def _try(self, attempt: Callable[[Host], object], host: Host) -> None:
        try:
            attempt(host)
        except HostError as error:
            self.say(f"not put back: {error}")

    def _failed(self, error: BaseException, seen: dict[Host, Seen]) -> Refused:
        return Refused(
            host="cluster",
            item="restore",
            expected="the snapshot in the place of the former data",
            found=str(error) or type(error).__name__,
            next_step=f"this command again; former data that is not back in place: {_places(seen, self.stamp)}",
        )

    def _apart(self) -> list[Host]:
        return [host for host in self.servers if host not in self.members]

    def _all(self) -> list[Host]:
        return [*self.members, *self.excluded, *self._apart()]


def look(host: Host) -> Seen:
    """What a machine's manifest says of its member, wherever the manifest is."""
    name, peer, data, area, how = step(host, "look").text.splitlines()
    return Seen(name=name, peer=peer, data=data, area=area, running=how == "running")


def step(host: Host, name: str, *words: str, check: bool = True) -> Completed:
    """One step of the script on one machine."""
    argv = ["sh", "-c", STEPS, "restore", name, *words]
    return host.run(argv, timeout=STEP_SECONDS, check=check)


def _places(seen: dict[Host, Seen], stamp: str) -> str:
    return ", ".join(f"{host.name}:{one.area}/before-{stamp}" for host, one in seen.items())
