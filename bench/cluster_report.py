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
- This side's processor time: engine, language host and provider beside what `ssh` takes. Half of it, by a profile of
  one run's first minute, is the provider's: the bundle, for all machines some 2 GB, is packed into SSH's packets of
  32 KiB in Python.
- The boards' own, load balancers' too. They start some hundred processes more each, which look before and after each
  change and write the journal; each program's sum is taken as it comes and once more when it is looked at; every
  machine gets the bundle's whole repository, and apt, not dpkg without its syncs, installs from it; containerd and
  HAProxy start with the package and again with their configuration. How much is due to each of these was not measured.

What would have to change: a library for SSH that packs in compiled code; a repository of what a machine installs and
no more; configuration that lies there before its package; one look for several changes.
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
