"""The page: tables and plots from the results, nothing in it typed by hand."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bench import backends, cluster_report, layers
from bench.contenders.contender import SCENARIOS
from bench.goals import RACK, US, goals, own_share
from bench.growth import AT_END, CHECKPOINTED, GROWN, state_bytes
from bench.places import REPOSITORY, VENV, Shelf, file_word
from bench.preparation import checks
from bench.results import BOARDS, SIMULATED, Results, Sample, number, ratio, spread, table
from bench.rounds import CONTENDERS, WIRE

Row = Sequence[str]
INTRODUCTION = """\
# Benchmarks

Written by `make bench` from [all runs](benchmarks/results.json); no figure of a table is typed by hand, and whoever
doubts one runs the same command. Times are medians of interleaved rounds, with the smallest and the largest beside
them; ratios are over this program's median.

## What is compared

The preparation of a machine for Kubernetes, {checks} single checks on each: host name, names in /etc/hosts, time
zone, kernel modules, sysctl, swap, limits of the journal, a user with group, key and sudo, the user's own files,
packages that are installed already, units that run and one that shall not (`bench/preparation.py`). After each
first run all machines are looked at by a script that knows none of the contenders (`report_command` there); a run
after which anything is not as wanted is listed as a failure and counts nowhere.

- **helicon**: this program's own components, configuration, state and engine, without the cluster
  (`bench/program`). `pulumi up` and `pulumi preview` refresh first, and the preflight looks at all machines;
  *without preflight* tells what that look costs.
- **script**: the limit. One shell script that checks before it changes, by as many `ssh` at once as there are
  machines. It keeps no journal, shows no plan and takes nothing back.
- **pyinfra**, with `--parallel` for all machines and `--no-wait`; its dry run is `--dry`.
- **ansible**: ansible-core with pipelining, persistent connections and a fork for each machine; with facts
  gathered, without, and with mitogen's strategy; its dry run is `--check --diff`. Only modules of ansible-core are
  used; where it has none (sysctl, modules, swap) one command does for all keys, which is in its favour.
- **engine's floor**: the Pulumi engine with as many resources of the same size that do nothing (`bench/floor`).

Before a first run the machines are reset to copies of a fresh one's files and settings, and all programs that take
part are read once: a virtual computer may give back the memory of files that nobody read for a minute, and then whoever
comes after a long run would read its own from disk. Each round has another order. What a run leaves behind is ended
with it, so Ansible's persistent connections serve one run. Memory is the largest that was seen of the
proportional set sizes of the whole process tree; processor time is that of the whole tree, what it leaves running
included. The boards are containers on the same machine, so their own work is in every time. Connections, turns
and bytes come from one more round through counting proxies, whose times do not count; a turn is a change of
direction on a connection, handshake included, which is what latency is paid for.

Simulated machines (the second part) are one SSH server of the harness, with real connections and ciphers, that
plays back what a real board answered, after the time that it took there. They cost this machine what SSH costs
and no more, and show how this side grows. Ansible and pyinfra send files by other ways and do not run there.
First runs are measured there with the state written at their end, too ([large racks](large-racks.md)); of more
than {checkpointed} machines only so.
"""


def write(results: Results, shelf: Shelf) -> None:
    """The page and its plots."""
    draw(results, shelf)
    shelf.page.write_text(page(results, sorted(shelf.plots.glob("*.svg"))))


def draw(results: Results, shelf: Shelf) -> None:
    """The plots, by the environment that has matplotlib."""
    results.save(shelf.results)
    argv = [str(VENV / "bin" / "python"), "-m", "bench.plots", str(shelf.results), str(shelf.plots)]
    subprocess.run(argv, cwd=REPOSITORY, check=True)


def page(results: Results, plots: Iterable[Path] = ()) -> str:
    """The whole text."""
    drawn = [path.name for path in plots]
    introduction = INTRODUCTION.format(checks=checks(), checkpointed=CHECKPOINTED)
    parts = [introduction, _goals(results), _measured_on(results)]
    parts += [_boards(results, scenario, drawn) for scenario in SCENARIOS]
    parts += [_wire(results), cluster_report.section(results), _growth(results, drawn)]
    parts += [_profile(results), _state(results), _failures(results)]
    return "\n".join(part for part in parts if part)


def _goals(results: Results) -> str:
    head = "| goal | bound | found | |\n| --- | --- | --- | --- |\n"
    return "## Goals\n\n" + head + "".join(f"{one.row}\n" for one in goals(results))


def _measured_on(results: Results) -> str:
    machine = ", ".join(f"{key.replace('_', ' ')} {one}" for key, one in results.machine.items())
    versions = ", ".join(f"{key} {one}" for key, one in results.versions.items())
    loads = results.loads.values()
    load = f"{min(loads):.1f} to {max(loads):.1f}" if loads else "not noted"
    notes = "".join(f"- {about}: {one}\n" for about, one in results.notes.items())
    text = f"- Machine: {machine or 'not noted'}\n- Versions: {versions or 'not noted'}\n"
    return f"## Measured on\n\n{text}- Load average (1 minute) between runs: {load}\n{notes}"


def _boards(results: Results, scenario: str, drawn: Sequence[str]) -> str:
    sizes = sorted({one.size for one in results.samples if (one.kind, one.scenario) == (BOARDS, scenario)})
    rows = [
        row for size in sizes for name in CONTENDERS if (row := _board_row(results, name, scenario, size))
    ]
    if not rows:
        return ""
    head = ("machines", "contender", "seconds", "spread", "ratio", "processor s", "memory MiB", "runs")
    return f"## Boards: {scenario}\n\n{_plot(f'boards-{scenario}', drawn)}{table(head, rows)}"


def _board_row(results: Results, name: str, scenario: str, size: int) -> Row | None:
    good = results.of(BOARDS, name, scenario, size)
    if not good:
        return None

    def middle(value: Callable[[Sample], float]) -> float | None:
        return results.median(BOARDS, name, scenario, size, value)

    wall = middle(lambda one: one.cost.wall)
    return (
        str(size),
        name,
        number(wall),
        spread(one.cost.wall for one in good),
        number(ratio(wall, results.median(BOARDS, US, scenario, size))),
        number(middle(lambda one: one.cost.cpu)),
        number(middle(lambda one: one.cost.memory)),
        str(len(good)),
    )


def _wire(results: Results) -> str:
    chosen = [one for one in results.samples if one.kind == WIRE and not one.problems]
    if not chosen:
        return ""
    names = ("connections", "turns", "sent", "received")
    rows = [
        (str(one.size), one.scenario, one.contender, *(number(one.per_host[name]) for name in names))
        for one in chosen
    ]
    head = ("machines", "scenario", "contender", "connections", "turns", "bytes to it", "bytes from it")
    return f"## On the wire, for each machine\n\n{table(head, rows)}"


def _growth(results: Results, drawn: Sequence[str]) -> str:
    chosen = [one for one in results.samples if one.kind == SIMULATED]
    sizes = sorted({one.size for one in chosen})
    names = list(dict.fromkeys(one.contender for one in chosen))
    rows = [
        row
        for scenario in GROWN
        for name in names
        for size in sizes
        if (row := _growth_row(results, name, scenario, size))
    ]
    if not rows:
        return ""
    head = (
        "scenario", "contender", "machines", "seconds", "spread", "processor s", "memory MiB", "provider MiB",
        "connections", "round trips", "bytes", "machines asked",
    )  # fmt: skip
    plots = "".join(_plot(name, drawn) for name in PLOT_NAMES)
    return f"## Simulated machines\n\n{plots}{table(head, rows)}\n{_checkpoint(results, sizes)}"


PLOT_NAMES = (
    "growth-first run",
    f"growth-{AT_END}",
    "growth-nothing to change",
    "growth-refresh",
    "growth-memory",
    "growth-state",
)


def _growth_row(results: Results, name: str, scenario: str, size: int) -> Row | None:
    good = results.of(SIMULATED, name, scenario, size)
    if not good:
        return None

    def middle(value: Callable[[Sample], float]) -> str:
        return number(results.median(SIMULATED, name, scenario, size, value))

    counted = [middle(lambda one, key=key: one.per_host[key]) for key in ("connections", "commands")]  # type: ignore[misc]
    return (
        scenario,
        name,
        str(size),
        middle(lambda one: one.cost.wall),
        spread(one.cost.wall for one in good),
        middle(lambda one: one.cost.cpu),
        middle(lambda one: one.cost.memory),
        middle(lambda one: one.cost.provider) if name == US else "",
        *counted,
        middle(lambda one: one.per_host["sent"] + one.per_host["received"]),
        middle(lambda one: one.per_host["asked machines"]),
    )


def _checkpoint(results: Results, sizes: Sequence[int]) -> str:
    known = state_bytes(results)
    rows = [
        (
            str(size),
            number(known[size] / 1024),
            number(known[size] / 1024 / size),
            number(own_share(results, size)),
        )
        for size in sizes
        if size in known
    ]
    if not rows:
        return ""
    head = (
        "machines",
        "checkpoint KiB",
        "for each machine",
        f"{AT_END}, less the engine's floor, s for each machine",
    )
    told = (
        "The local backend writes the whole checkpoint at each step, so its cost grows with the square of the "
        "rack; the engine's floor shows it as well. What does not is the program's own share, seen without them.\n\n"
    )
    return f"### Checkpoint\n\n{told}{table(head, rows)}"


PROFILE_TOLD = """\
Each part is a difference: the same run with it and without it, on simulated machines (`bench/profile.py`).
The engine's resources that do nothing stand for the engine; connections and round trips are those of the
program's own pool, alone, with machines that answer at once. What a machine does, and what the network and
logins take, is the part of the time that goes when they take none; it is shared out as the machines counted
it. Simulated machines answer from this computer, so their side of SSH is in the whole; with many machines the
processors decide, and parts that wait hide behind those that work. Differences below the spread mean nothing.
"""
STATE_TOLD = """\
The engine with resources that do nothing (`bench/floor`), no machine asked. Every backend that keeps files (local,
PostgreSQL, an object store) is given the whole state after each step, and to serialize and check all of it is
work of the engine itself, whatever it is kept in. Fewer steps, or a smaller state at each, are what makes that
work less. `PULUMI_SKIP_CHECKPOINTS=true` writes once, at the end: it shows what writing costs, but an engine that is
killed then forgets what it made; this program's resources would adopt it on the next run.
"""


def _profile(results: Results) -> str:
    head, rows = layers.rows(results)
    if len(head) < 2:
        return ""
    return f"## Where the time goes\n\n{layers.told(results)}\n{PROFILE_TOLD}\n{table(head, rows)}"


def _state(results: Results) -> str:
    head, rows = backends.rows(results)
    if not rows:
        return ""
    return f"## Keeping the state\n\n{backends.told(results)}{STATE_TOLD}\n{table(head, rows)}"


def _failures(results: Results) -> str:
    bad = [one for one in results.samples if one.problems]
    lines = "".join(
        f"- {one.kind}, {one.size}, {one.scenario}, {one.contender}: {'; '.join(one.problems)}\n"
        for one in bad
    )
    return f"## Runs that do not count\n\n{lines}" if lines else ""


def _plot(name: str, drawn: Sequence[str]) -> str:
    file = f"{file_word(name)}.svg"
    return f"![{name}](benchmarks/{file})\n\n" if file in drawn else ""


def summary(results: Results) -> str:
    """The goals and the rack's second run, for the terminal."""
    lines = [f"{one.verdict.strip('*'):12} {one.text}: {number(one.found)}" for one in goals(results)]
    lines += [
        f"{RACK} machines, {scenario}: {name} {number(wall)} s"
        for scenario in SCENARIOS
        for name in CONTENDERS
        if (wall := results.median(BOARDS, name, scenario, RACK)) is not None
    ]
    return "\n".join(lines)
