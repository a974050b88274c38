"""A rack of six machines, and what is seen of them when all is well."""

from __future__ import annotations

from typing import Any

from config import Rack, load
from providers.facts.machine import parse
from providers.preflight.finding import Finding
from providers.preflight.gather import Seen
from providers.preflight.judge import judge
from tests.config.injections import sound
from tests.providers.facts.answers import answer

CLUSTER = {"kubernetes": "1.36.3", "endpoint": "api.example.com"}
LEFT_RUNNING = """\
10250 kubelet
6443 kube-apiserver
2379 etcd
2380 etcd
10257 kube-controller
10259 kube-scheduler"""


def rack(**parts: Any) -> Rack:
    """The sound rack with some parts replaced."""
    return load({**sound(), **parts}, stack="test")


def seen(of: Rack, **changed: dict[str, str | None]) -> list[Seen]:
    """All machines as Pi 4s of their own at their addresses; some lines differ (names with _ for -)."""
    found = []
    for number, machine in enumerate(of.machines()):
        own: dict[str, str | None] = {
            "machine_id": f"{number:032x}",
            "mac": f"dc:a6:32:00:00:{number:02x}",
            "host_key": f"ssh-ed25519 KEY{number}",
            "address": f"{machine.address}/24",
        }
        if machine.architecture == "armhf":
            own |= {"userland": "armhf", "machine": "armv7l"}
        facts = parse(answer(**{**own, **changed.get(machine.name.replace("-", "_"), {})}))
        assert facts is not None
        found.append(Seen(machine=machine, facts=facts))
    return found


def findings(of: Rack, **changed: dict[str, str | None]) -> list[Finding]:
    """What is found when some machines answer otherwise."""
    return judge(of, seen(of, **changed))


def short(found: list[Finding]) -> list[tuple[str, str, str]]:
    """Level, machine and check of each."""
    return [(one.level, one.machine, one.check) for one in found]
