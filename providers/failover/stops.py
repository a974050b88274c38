"""What can be stopped on a rack, and how it is put back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from config import Machine, Rack
from providers.core.host import Host
from providers.core.journal import Journal
from providers.core.thing import Rack as Machines
from providers.core.thing import Site
from providers.system.restart import start_anew

SERVICES = ("haproxy", "keepalived")
MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
ASIDE = "/var/lib/helicon/failover-kube-apiserver.yaml"
"""Where the manifest lies meanwhile; if this program is killed, `pulumi up` puts the manifest back, too."""

# the kubelet looks every 20 s, and an API server ends what was asked of it first
_STOP_API = """
set -eu; mkdir -p "${2%/*}"; [ ! -e "$1" ] || mv "$1" "$2"
left=90
while grep -lsx kube-apiserver /proc/[0-9]*/comm >/dev/null; do
  left=$((left - 1)); [ "$left" -gt 0 ] || { echo "kube-apiserver still runs" >&2; exit 1; }
  sleep 1
done
"""
_START_API = '[ ! -e "$2" ] || { if [ -e "$1" ]; then rm "$2"; else mv "$2" "$1"; fi; }'


@dataclass(frozen=True, kw_only=True)
class Stop(ABC):
    """Something that stops for a while on one machine."""

    machine: Machine
    what: str
    holds: bool = True
    """Whether it stays stopped until `end`; else `begin` brings it back itself."""

    @abstractmethod
    def begin(self, machines: Machines) -> None:
        """Stop it."""

    @abstractmethod
    def end(self, machines: Machines) -> None:
        """Put it back; doing it twice is fine, and so is putting back what never stopped."""

    def host(self, machines: Machines) -> Host:
        """The connection to its machine."""
        return machines.host(self.machine.name)


class ServiceStop(Stop):
    """A systemd service."""

    def begin(self, machines: Machines) -> None:
        """Stop it."""
        self.host(machines).run(["systemctl", "stop", self.what])

    def end(self, machines: Machines) -> None:
        """Start it."""
        self.host(machines).run(["systemctl", "start", self.what])


class ApiServerStop(Stop):
    """An API server, by its manifest."""

    def begin(self, machines: Machines) -> None:
        """Take the manifest away, and wait until the process has ended."""
        self.host(machines).run(["sh", "-c", _STOP_API, "stop", MANIFEST, ASIDE], timeout=120)

    def end(self, machines: Machines) -> None:
        """Put the manifest back."""
        self.host(machines).run(["sh", "-c", _START_API, "start", MANIFEST, ASIDE])


class Reboot(Stop):
    """A whole machine."""

    def begin(self, machines: Machines) -> None:
        """Restart it, and wait until it is back."""
        host = self.host(machines)
        start_anew(Site(host=host, journal=Journal(host), rack=machines))

    def end(self, machines: Machines) -> None:
        """Nothing: it comes back by itself."""


def stops(rack: Rack, machines: Machines, *, reboot: bool) -> Iterator[Stop]:
    """All that is stopped in turn: services that run, API servers, and on request whole machines."""
    served = [*rack.load_balancers.values(), *rack.control_planes()]
    for machine in served:
        for service in running(machines.host(machine.name)):
            yield ServiceStop(machine=machine, what=service)
    for machine in rack.control_planes():
        yield ApiServerStop(machine=machine, what="kube-apiserver")
    for machine in served if reboot else []:
        yield Reboot(machine=machine, what="reboot", holds=False)


def running(host: Host) -> list[str]:
    """Those of the services that run on a machine."""
    answers = host.run(["systemctl", "is-active", *SERVICES], check=False).text.split()
    return [name for name, answer in zip(SERVICES, answers, strict=False) if answer == "active"]
