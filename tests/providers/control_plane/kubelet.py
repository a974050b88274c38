"""A kubelet's stand-in on a throwaway machine: its static pods run, and it writes down what it does."""

from __future__ import annotations

from lab.shell import wait
from tests.local_host import LocalHost

_LOG = "/run/kubelet.log"


def start(machine: LocalHost, pods: int) -> None:
    """Start it, and wait for so many pods, whose beginning does not count as an event."""
    machine.run(["mkdir", "-p", "/run/lock"])
    machine.stand_in("kubelet")
    machine.run(["sh", "-c", "setsid kubelet >/dev/null 2>&1 & :"])
    wait(
        f"{pods} static pods",
        lambda: events(machine).count("began") >= pods,
        timeout=20,
        next_step="see tests/stand_ins/kubelet",
    )
    machine.write(_LOG, "")


def events(machine: LocalHost) -> str:
    """What it has done since."""
    return machine.read(_LOG) or ""
