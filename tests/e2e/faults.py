"""Ways in which a machine, or a service on it, stops: in good order, at once, or to come back by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab.boards import power
from tests.e2e.rack import TestRack

KILL_API = "pkill -KILL -x kube-apiserver"
STOP_API = "mv /etc/kubernetes/manifests/kube-apiserver.yaml /var/tmp/kube-apiserver.yaml"
START_API = "mv /var/tmp/kube-apiserver.yaml /etc/kubernetes/manifests/kube-apiserver.yaml"
Act = Callable[[TestRack], object]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to a machine: `begin`, and `end`, which sets it right again."""

    machine: str
    what: str
    begin: Act
    end: Act
    gentle: bool = False
    """Whether it stops in good order, so that hardly anybody should notice."""

    def __str__(self) -> str:
        """For messages."""
        return f"{self.machine}: {self.what}"


def of_machine(name: str) -> Iterator[Fault]:
    """The whole machine."""

    def on(rack: TestRack) -> None:
        power.power_on(rack.boards[name])

    def nothing(rack: TestRack) -> None:
        pass

    yield Fault(
        machine=name, what="stop", begin=lambda rack: power.shut_down(rack.boards[name]), end=on, gentle=True
    )
    yield Fault(machine=name, what="kill", begin=lambda rack: power.cut(rack.boards[name]), end=on)
    yield Fault(
        machine=name,
        what="reboot",
        begin=lambda rack: power.reboot(rack.boards[name]),
        end=nothing,
        gentle=True,
    )


def of_service(name: str, service: str) -> Iterator[Fault]:
    """One systemd service, stopped, and killed for systemd or `end` to start again."""
    start = _shell(name, f"systemctl start {service}")
    yield Fault(
        machine=name,
        what=f"{service} stop",
        begin=_shell(name, f"systemctl stop {service}"),
        end=start,
        gentle=True,
    )
    yield Fault(
        machine=name,
        what=f"{service} kill",
        begin=_shell(name, f"systemctl kill --signal=KILL {service}"),
        end=start,
    )


def of_api_server(name: str) -> Iterator[Fault]:
    """The API server alone."""
    yield Fault(
        machine=name,
        what="kube-apiserver stop",
        begin=_shell(name, STOP_API),
        end=_shell(name, START_API),
        gentle=True,
    )
    yield Fault(
        machine=name, what="kube-apiserver kill", begin=_shell(name, KILL_API), end=_shell(name, "true")
    )


def _shell(name: str, line: str) -> Act:
    return lambda rack: rack.root(name, "sh", "-c", line)
