"""The benchmarks' page on clusters: what took how long, and whose work this computer's processors did meanwhile."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.cluster import CLUSTER, GROUPS, MOMENTS, OWN, SHARE, SIZE, TO_CLUSTER
from bench.contenders.helicon import Helicon
from bench.processors import IDLE, REST
from bench.results import Results, Sample, number, ratio, spread, table

USES = (*GROUPS, REST, IDLE)
TOLD = """\
The rack of `Pulumi.lab.yaml`: two load balancers, three control planes, two workers, fresh boards for each run, one
bundle of artifacts for all. The script (`bench/contenders/cluster.sh`) makes the same cluster from the same texts,
with all it can do at once: the CAs made beforehand, one connection to each machine, images streamed into containerd,
the first control plane prepared before all others, workers joining beside the control planes, which join one after
the other. It checks no sums, keeps no journal and could not be run twice. All end with the same proof, from a pod on
every node; then nodes, pods, labels and load balancers are looked at once more past SSH. Processor time is this
side's alone, without the boards. The last columns are seconds from the beginning until the first control plane's
node is there, the first worker's and the last one's, until a kubelet has taken on metrics-server, and until that is
ready: with the rack's `resolution: 60s` a minute after its start at the earliest.

What is left after the first control plane is the same for all: flannel, metrics-server and its minute. What differs
comes before it, while the boards keep this computer's processors busy to the full, as the second table shows:

- The order. The script prepares the first control plane alone; *script, all boards at once* is the same script in this
  program's order, and its first node comes later. On real boards, which have processors of their own, holding the
  others back would add the time of the first one's preparation, so this program does not.
- Processor time until then. A profile of one run of each (all processes, 199 times a second) finds 26 s more than in
  *script, all boards at once*. Some 8 are this side's: engine, language host, and the provider, which packs the
  bundle, 2 GB for all machines, into SSH's packets of 32 KiB in Python. 6 are the many short processes on the boards
  that look before and after each change, write the journal and limit each command in time; 4 systemd's, which reads
  all units again after a service's files; 2 apt's, where the script calls dpkg; 2 sshd's, as every machine gets the
  bundle's whole repository; 1 the sums of programs as they arrive; the rest containerd's and the first API server's.

What would have to change: a library for SSH that packs in compiled code; one look for several changes; one reading
of units for several services; a repository of what a machine installs and no more. Sending to one machine after the
other, so that the first has its files sooner, was tried and gained nothing: its own work waits for processors as well.
"""

USED = """\
Whose work this computer's two processors did until the first control plane's node was there, in processor seconds
(the boards' as the kernel counts them; this side's with the kernel's own and with what runs the boards). The script
forms the cluster on the first control plane, this program on whichever is prepared first:
"""

OWN_TOLD = f"""\
The same on boards that have {SHARE} of a processor each and no more (a quota of their control groups), as boards have
processors of their own: what one does takes nothing from another. There the joins decide: before and after each, the
cluster is asked with kubectl and etcdctl, on boards that are just coming up and have no more for that either.
"""


def section(results: Results) -> str:
    """The part of the page; empty where nothing was measured."""
    parts = [
        f"## From boards to a cluster\n\n{TOLD}",
        _took(results, CLUSTER),
        f"{USED}\n{_used(results)}",
        f"{OWN_TOLD}\n{_took(results, OWN)}",
    ]
    return "\n".join(parts) if any(one.kind == CLUSTER for one in results.samples) else ""


def _took(results: Results, kind: str) -> str:
    ours = results.median(kind, Helicon.name, TO_CLUSTER, SIZE)
    rows = [[name, *_cost(runs, ours), *_counted(runs, MOMENTS)] for name, runs in _good(results, kind)]
    head = ["contender", "seconds", "spread", "ratio", "processor s", "memory MiB", "runs", *MOMENTS]
    return table(head, rows)


def _used(results: Results) -> str:
    rows = [[name, *_counted(runs, USES)] for name, runs in _good(results, CLUSTER)]
    return table(["contender", *USES], rows)


def _good(results: Results, kind: str) -> list[tuple[str, list[Sample]]]:
    names = dict.fromkeys(one.contender for one in results.samples if one.kind == kind)
    return [(name, found) for name in names if (found := results.of(kind, name, TO_CLUSTER, SIZE))]


def _cost(runs: Sequence[Sample], ours: float | None) -> list[str]:
    wall, cpu, memory = (
        statistics.median(getattr(one.cost, what) for one in runs) for what in ("wall", "cpu", "memory")
    )
    times = [number(wall), spread(one.cost.wall for one in runs), number(ratio(wall, ours))]
    return [*times, number(cpu), number(memory), str(len(runs))]


def _counted(runs: Sequence[Sample], what: Sequence[str]) -> list[str]:
    return [number(statistics.median(one.per_host[name] for one in runs)) for name in what]
