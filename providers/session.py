"""What the resources of one provider process share: the rack as configured now, and its connections."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from config import ConfigurationError, Machine, load
from config import Rack as Configuration
from providers.core.host import Host
from providers.core.journal import Journal
from providers.core.thing import Site
from providers.engine_log import EngineLog
from providers.preflight.finding import Finding
from providers.preflight.gather import look
from providers.preflight.judge import judge
from providers.reaching import connection_of
from providers.ssh.connection import Connection
from providers.ssh.following import FollowingHost, keep_key, with_known_key
from providers.ssh.pool import Pool


class LiveRack:
    """The other machines, by the connections that the current configuration gives, else the state."""

    def __init__(self, session: Session, configuration: Configuration | None) -> None:
        self._session = session
        self._configuration = configuration

    def preflight(self, *, measure: bool) -> list[Finding]:
        """What would go wrong on the rack as configured now, over the connections that all resources use."""
        if self._configuration is None:
            return []
        return judge(self._configuration, look(self._configuration, self._session.pool, measure=measure))

    def control_planes(self) -> Sequence[str]:
        """Names of the control planes as configured now."""
        return [one.name for one in self._configuration.control_planes()] if self._configuration else []

    def etcd_members(self) -> Sequence[str]:
        """Names of the machines of an external etcd as configured now."""
        return list(self._configuration.etcd_members) if self._configuration else []

    def configured(self, machine: str) -> bool:
        """Whether the machine is still in the configuration."""
        return machine in self._machines()

    def host(self, machine: str) -> Host:
        """The pooled connection to a configured machine."""
        return self._session.host(machine, connection_of(self._machines()[machine]))

    def connection(self, machine: str, stored: Mapping[str, Any]) -> Connection:
        """The connection as configured now; the one in state for a machine that has left the rack."""
        machines = self._machines()
        return connection_of(machines[machine]) if machine in machines else Connection.parse(dict(stored))

    def moves(self, machine: str) -> bool:
        """Whether the machine gets its address from here; of another, a new address is where it is already."""
        configured = self._machines().get(machine)
        return configured is not None and configured.network is not None

    def _machines(self) -> Mapping[str, Machine]:
        return {one.name: one for one in self._configuration.machines()} if self._configuration else {}


class Session:
    """One for each process; nothing in it matters for correctness."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = {key: _decoded(value) for key, value in raw.items()}
        self.pool = Pool()
        self._lock = threading.Lock()
        self._racks: dict[str, LiveRack] = {}
        self._following: dict[tuple[str, Connection], FollowingHost] = {}
        self._warned: set[str] = set()
        self.log = EngineLog()

    def rack(self, urn: str) -> LiveRack:
        """The rack of the stack that the resource belongs to."""
        stack = urn.split(":")[2] if urn.count(":") > 2 else "dev"
        with self._lock:
            if stack not in self._racks:
                self._racks[stack] = LiveRack(self, self._load(stack))
            return self._racks[stack]

    def host(self, machine: str, connection: Connection) -> Host:
        """The pooled connection to a machine; to where it is, once a resource of it has told its former address."""
        with self._lock:
            following = self._following.get((machine, connection))
        return following or self.pool.host(machine, connection)

    def either(self, machine: str, now: Connection, former: Connection) -> Host:
        """The machine at its configured address, or still at that of the last run."""
        if now.address == former.address:
            return self.host(machine, now)
        with self._lock:
            if (machine, now) not in self._following:
                trusting = with_known_key(now, former)
                self._following[machine, now] = FollowingHost(
                    self.pool.host(machine, trusting),
                    self.pool.host(machine, former),
                    now.connect_timeout,
                    lambda: keep_key(now, trusting),
                )
            return self._following[machine, now]

    def site(
        self,
        properties: Mapping[str, Any],
        *,
        former: Mapping[str, Any] | None = None,
        leaving: bool = False,
    ) -> Site:
        """Where the resource with these properties works; `former` are those of the last run."""
        urn, machine = str(properties["urn"]), str(properties["machine"])
        rack = self.rack(urn)
        stored = Connection.parse(dict((former or properties)["connection"]))
        now = self.connection(properties)
        host = self.either(machine, now, stored) if rack.moves(machine) else self.host(machine, now)
        return Site(
            host=host,
            journal=Journal(host),
            rack=rack,
            say=lambda line: self.log.progress(urn, line),
            leaving=leaving,
        )

    def connection(self, properties: Mapping[str, Any]) -> Connection:
        """The connection of a resource's machine as configured now."""
        return self.rack(str(properties["urn"])).connection(
            str(properties["machine"]), properties["connection"]
        )

    def warn_once(self, machine: str, urn: str, line: str) -> None:
        """Warn of a machine, once in this process."""
        with self._lock:
            known = machine in self._warned
            self._warned.add(machine)
        if not known:
            self.log.warning(urn, line)

    def _load(self, stack: str) -> Configuration | None:
        try:
            return load(self._raw, stack=stack)
        except ConfigurationError:
            # An older run stored a configuration that this version refuses: the program itself
            # reports it; here the connections in the state must do.
            return None


def _decoded(value: Any) -> Any:
    """Structured values of the configuration arrive as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
