"""Boards to a verified cluster: this program beside a hand-tuned parallel script, in two orders, round by round.

All begin with the boards of `Pulumi.lab.yaml`, fresh, and with the same bundle; all end with the proof
that the cluster works. Whoever ends well is then looked at past SSH: what is amiss makes it no result.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from bench.boards import ground
from bench.contenders.cluster_script import ClusterScript, ClusterScriptTogether
from bench.contenders.contender import Command
from bench.contenders.helicon import Helicon
from bench.meter import measured
from bench.places import REPOSITORY, file_word
from bench.processors import watched
from bench.results import Results, Sample
from bench.rounds import turned
from config import Rack, load_file
from lab import engine
from lab.boards import __main__ as boards
from lab.boards import keys, plan, power, rack
from lab.bundle.build import build
from lab.errors import LabError
from lab.program import Program
from lab.shell import say
from providers.membership.admin import ADMIN_CONF
from providers.membership.readiness import unready_nodes, unready_pods

CLUSTER, OWN = "cluster", "cluster, own processors"
"""The kinds of these samples: boards that share this computer's processors, or that have so much each, and no more."""
SHARE = 0.25
"""Processors of a board that has its own: seven boards and this side together find so much on two."""
LAB = plan.Lab(name="benchk", subnet=ipaddress.IPv4Network("10.131.0.0/24"))
TO_CLUSTER = "boards to cluster"
SIZE = 7
"""Boards: two load balancers, three control planes, two workers."""
SPARE = "w-3"
MOMENTS = ("first node", "first worker", "last node", "metrics-server accepted", "metrics-server ready")
GROUPS = {
    "first control plane": ["cp-1"],
    "other control planes": ["cp-2", "cp-3"],
    "workers": ["w-1", "w-2"],
    "load balancers": ["lb-1", "lb-2"],
}
"""Boards by what they are, as their processor time is told."""
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
Item = Mapping[str, Any]
STATIC = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""What runs once for each control plane."""


class ClusterProgram:
    """This program, whole: `pulumi up` on an empty stack, as `make lab` does it."""

    name = Helicon.name

    def __init__(self, bundle: Path) -> None:
        self.program = Program(LAB.name, bundle=bundle)

    def prepare(self) -> None:
        """An empty stack with the stack file of `make lab`, at the addresses of these boards."""
        self.program.forget()
        self.program.prepare()
        self.program.write_stack_file(stack((REPOSITORY / "Pulumi.lab.yaml").read_text()))

    def command(self) -> Command:
        """`pulumi up`; it runs inside the lab's network."""
        argv = self.program.command("up", "--yes", "--skip-preview")
        return Command(argv=argv, env=self.program.environment(), cwd=REPOSITORY)


class Race:
    """All contenders on the same boards, one after the other."""

    def __init__(self, results: Results, place: Path) -> None:
        self._results = results
        self._place = place
        self._bundle = build()
        names = [name for name in plan.BOARDS if name != SPARE]
        self._boards = {one.name: one for one in plan.boards(LAB, names)}
        self._groups = {what: [self._boards[name] for name in names] for what, names in GROUPS.items()}
        self._program = ClusterProgram(self._bundle)

    def run(self, rounds: int) -> None:
        """All rounds; who begins changes from one to the next, and boards are made anew for each."""
        self._place.mkdir(parents=True, exist_ok=True)
        contenders: list[Callable[[], tuple[str, Command]]] = [
            self._by_program,
            partial(self._by_script, ClusterScript),
            partial(self._by_script, ClusterScriptTogether),
        ]
        for kind, turn in product((CLUSTER, OWN), range(rounds)):
            if not turn:
                self._results.forget_loads(f"{kind}, round")
            self._results.note_load(f"{kind}, round {turn + 1}, before")
            for one in turned(contenders, turn):
                fresh(list(self._boards.values()), share=SHARE if kind == OWN else None)
                sample = self._measured(kind, *one(), turn)
                if not turn:
                    self._results.drop([kind], [SIZE], [sample.contender])
                self._results.add(sample)
                self._results.keep()
                wall, told = sample.cost.wall, " ".join(sample.problems)
                say(f"{kind} {SIZE} {TO_CLUSTER} {sample.contender:10} {wall:7.2f} s {told}")

    def _by_program(self) -> tuple[str, Command]:
        self._program.prepare()
        return self._program.name, self._program.command()

    def _by_script(self, which: type[ClusterScript]) -> tuple[str, Command]:
        self._program.prepare()
        rack = load_file(self._program.program.stack_file)
        script = which(rack, self._place / file_word(which.name), self._bundle)
        script.prepare(keys.identity(LAB), keys.known_hosts(LAB))
        return script.name, script.command()

    def _measured(self, kind: str, name: str, command: Command, turn: int) -> Sample:
        began = datetime.now(UTC)
        with watched(self._groups) as watch:
            cost = measured(command, self._place / f"{file_word(f'{kind} {name}')}-{turn}.log")
        items, problems = self._found()
        came = {} if problems else moments(items, began)
        return Sample(
            kind=kind,
            contender=name,
            scenario=TO_CLUSTER,
            size=SIZE,
            round=turn,
            cost=cost,
            per_host={**came, **watch.until(came[MOMENTS[0]])} if came else {},
            problems=(cost.problems or problems)[:5],
        )

    def _found(self) -> tuple[list[Item], list[str]]:
        """Nodes and pods, and what is amiss; a cluster that does not let itself be asked is."""
        try:
            return self._looked_at()
        except LabError as error:
            return [], [str(error)]

    def _looked_at(self) -> tuple[list[Item], list[str]]:
        """What the cluster lacks, as its own API says past SSH, and the load balancers that do not lead to it."""
        wanted = load_file(self._program.program.stack_file)
        first = self._boards[wanted.control_planes()[0].name]

        def kubectl(*args: str) -> str:
            return power.root(first, "kubectl", "--kubeconfig", ADMIN_CONF, *args)

        items = json.loads(kubectl("get", "nodes,pods", "-A", "-o", "json"))["items"]
        return items, differences(wanted, items) + [
            f"{name}: the API does not answer there"
            for name, one in wanted.load_balancers.items()
            if kubectl("--server", f"https://{one.address}:{wanted.cluster.endpoint_port}",
                       "--tls-server-name", "kubernetes", "get", "--raw", "/readyz") != "ok"
        ]  # fmt: skip


def fresh(wanted: Sequence[plan.Board], share: float | None) -> None:
    """Boards as from the imager, without the record of commands, which would add to every program's start.

    `share`: processors for each from now on, since booting takes no part; None: what others leave.
    """
    rack.up(LAB, dict.fromkeys(wanted, ground(LAB)), reset=True)
    if share:
        engine.docker("update", f"--cpus={share}", *(one.container for one in wanted))


def get_ready() -> None:
    """What takes long and may have to be fetched: bundle, engine, boards' image; and the lab's network."""
    Program(LAB.name, bundle=build()).environment()
    ground(LAB)


def down() -> None:
    """The boards go, and the stack with them."""
    Program(LAB.name).forget()
    boards.down(LAB)


def stack(text: str) -> dict[str, Any]:
    """The stack file of `make lab` for these boards: own addresses, key and host keys."""
    net = str(LAB.subnet.network_address).removesuffix("0")
    text = text.replace("10.123.0.", net).replace(".lab/lab/", f".lab/{LAB.name}/")
    found: dict[str, Any] = yaml.safe_load(text.replace("known_hosts.lab", f"known_hosts.{LAB.name}"))
    return found


def differences(wanted: Rack, items: Sequence[Item]) -> list[str]:
    """What nodes and pods lack of the wanted cluster."""
    names = [node.hostname for node in wanted.nodes.values()]
    nodes = [one for one in items if one["kind"] == "Node"]
    pods = _pods(items)
    planes = [node.hostname for node in wanted.control_planes()]
    expected = [f"{pod}-{node}" for pod in STATIC for node in planes]
    running = [one["metadata"]["name"] for one in pods]
    labels = {one["metadata"]["name"]: one["metadata"].get("labels", {}) for one in nodes}
    return [
        *(f"node {name}: not Ready" for name in unready_nodes(nodes, names)),
        *(f"pod {name}: not ready" for name in unready_pods(pods)),
        *(f"pod {name}: missing" for name in expected if name not in running),
        *(f"pods of {name}: {found} of {want}" for name, found, want in _shortages(running, len(names))),
        *(
            f"node {node.hostname}: label {key}"
            for node in wanted.nodes.values()
            for key, value in node.labels.items()
            if labels.get(node.hostname, {}).get(key) != value
        ),
    ]


def _pods(items: Sequence[Item]) -> list[Item]:
    """Those that are to stay."""
    return [one for one in items if one["kind"] == "Pod" and "deletionTimestamp" not in one["metadata"]]


def moments(items: Sequence[Item], began: datetime) -> dict[str, float]:
    """Seconds after the beginning at which things came to be, as the API's own times tell (to a second)."""
    nodes = [one for one in items if one["kind"] == "Node"]
    workers = [one for one in nodes if CONTROL_PLANE not in one["metadata"]["labels"]]
    metrics = next(one for one in _pods(items) if one["metadata"]["name"].startswith("metrics-server-"))
    ready = next(one for one in metrics["status"]["conditions"] if one["type"] == "Ready")
    times = {
        "first node": min(one["metadata"]["creationTimestamp"] for one in nodes),
        "first worker": min(one["metadata"]["creationTimestamp"] for one in workers),
        "last node": max(one["metadata"]["creationTimestamp"] for one in nodes),
        "metrics-server accepted": metrics["status"]["startTime"],
        "metrics-server ready": ready["lastTransitionTime"],
    }
    return {what: (datetime.fromisoformat(when) - began).total_seconds() for what, when in times.items()}


def _shortages(running: Sequence[str], nodes: int) -> list[tuple[str, int, int]]:
    """Pods that there are too few of: name, how many there are, how many there should be."""
    expected = {"kube-flannel-ds-": nodes, "kube-proxy-": nodes, "coredns-": 2, "metrics-server-": 1}
    counted = {name: sum(one.startswith(name) for one in running) for name in expected}
    return [(name, counted[name], want) for name, want in expected.items() if counted[name] < want]
