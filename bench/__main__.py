"""The command line: `python -m bench [part...] [--sizes ...]`, without parts all but down; see `make bench`."""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from typing import Any

from bench import cluster, report
from bench.backends import BACKENDS, Backends
from bench.boards import LAB, Boards
from bench.contenders.ansible import AnsibleMitogen, mitogen
from bench.contenders.helicon import resource_bytes
from bench.growth import Growth, learn, sizes
from bench.places import PUBLISHED, REPOSITORY, TRIAL, WORK
from bench.profile import PROFILE, Profile
from bench.quiet import only_run, refuse_noise
from bench.results import SIMULATED, Results, about_machine, versions
from bench.rounds import CONTENDERS, Series
from bench.simulated import Model, by_ssh
from bench.target import USER, Fleet, Target
from lab import namespace
from lab.boards import __main__ as base
from lab.boards import keys, rack
from lab.shell import say

MODELS = 2
"""Real boards that simulated machines learn from: one as a control plane, one as another node."""
MEASURED = ["sides", "growth", "profile", "cluster"]
PARTS = {*MEASURED, "report", "down"}
QUICK = {"sizes": "1 2", "rounds": 1, "growth": "2 5", "profile": "2 4", "state": "4 8", "cluster": 1}


def main(argv: list[str] | None = None) -> int:
    """Do what the arguments say; everything that talks to boards does so inside the lab's network."""
    args = _parser().parse_args(argv)
    if not set(args.part) <= PARTS:
        raise SystemExit(f"unknown part among {args.part}; known: {', '.join(sorted(PARTS))}")
    if args.quick:
        vars(args).update(QUICK)
    parts = args.part or [*MEASURED, "report"]
    if parts == ["down"]:
        with only_run():
            cluster.down()
            Boards(MODELS).down()
        return 0
    shelf = TRIAL if args.quick else PUBLISHED
    results = Results(path=shelf.results) if args.fresh else Results.load(shelf.results)
    if {*MEASURED} & set(parts):
        if not args.inside:
            with only_run() as lock:
                return _again_inside(argv if argv is not None else sys.argv[1:], args, parts, lock)
        _measure(args, parts, results)
    if "report" in parts:
        report.write(results, shelf)
        print(report.summary(results))
    return 0


def _again_inside(argv: list[str], args: argparse.Namespace, parts: list[str], lock: int) -> int:
    """The boards are made from outside; what is measured runs in the lab's network, beside them."""
    with base.ground(LAB):
        rack.remove(cluster.LAB)  # what an interruption left of it would still run
        refuse_noise([LAB.name])
    if set(parts) - {"cluster", "report"}:
        boards = Boards(max([MODELS, *sizes(args.sizes if "sides" in parts else "")]))
        boards.up()
    if "cluster" in parts:
        cluster.get_ready()
    inside = namespace.inside([sys.executable, "-m", "bench", "--inside", *argv])
    done = subprocess.run(inside, cwd=REPOSITORY, check=False, pass_fds=[lock])
    if "cluster" in parts:
        cluster.down()
    return done.returncode


def _measure(args: argparse.Namespace, parts: list[str], results: Results) -> None:
    # a job in the background ignores it, and so would the engine's plugins: it waits 5 s for each to end by it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _compile()
    shutil.rmtree(WORK, ignore_errors=True)
    results.versions, results.machine = versions(), about_machine()
    boards = Boards(max([MODELS, *sizes(args.sizes)]))
    names = _contenders(args.contenders, results)
    if "sides" in parts:
        for size in sorted(sizes(args.sizes), reverse=True):
            Boards(max(MODELS, size)).rest()  # who is not measured on any more does not idle beside
            fleet = boards.fleet(size)
            place = WORK / f"boards-{size}"
            series = Series(
                ground=boards,
                fleet=fleet,
                names=names,
                place=place,
                results=results,
                say=say,
            )
            series.run(args.rounds)
            if size == 1:
                series.count()  # what goes over one machine's wire does not depend on the others
    if {"growth", "profile"} & set(parts):
        _simulate(args, parts, boards, results)
    if "cluster" in parts:
        Boards(0).rest()  # the race has boards of its own
        cluster.Race(results, WORK / "cluster").run(args.cluster)


def _compile() -> None:
    """Have this program's modules compiled once, as pip has compiled those of the other contenders."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for package in ("bench", "components", "config", "providers"):
        compileall.compile_dir(REPOSITORY / package, quiet=1)


def _simulate(args: argparse.Namespace, parts: list[str], boards: Boards, results: Results) -> None:
    Boards(MODELS).rest()
    fleet = boards.fleet(MODELS)
    models = [_model(fleet, one) for one in fleet.targets]
    record = learn(models, fleet.identity, WORK / "growth", lambda: boards.reset(MODELS), say)
    login = _login_seconds(fleet)
    results.notes["Simulated machines"] = f"{args.latency:g} ms latency, {login * 1000:.0f} ms for a login."
    given: dict[str, Any] = {
        "record": record,
        "identity": keys.identity(LAB),
        "results": results,
        "latency": args.latency / 1000,
        "login_seconds": login,
        "say": say,
    }
    if "growth" in parts:
        growth = Growth(place=WORK / "growth", **given)
        for size in sizes(args.growth):
            results.drop([SIMULATED], [size])
            growth.run(size, args.rounds)
            results.keep()
    if "profile" in parts:
        _profile(args, given, fleet, grown=sizes(args.growth) if "growth" in parts else [])


def _profile(args: argparse.Namespace, given: dict[str, Any], fleet: Fleet, *, grown: list[int]) -> None:
    """The parts of a run's time, then what keeping the state costs."""
    results: Results = given["results"]
    profile = Profile(place=WORK / "profile", grown=grown, **given)
    for size in sizes(args.profile):
        results.drop([PROFILE], [size])
        profile.run(size, args.rounds)
        results.keep()
    state = Backends(
        place=WORK / "state", results=results, resource_bytes=resource_bytes(fleet), say=say, grown=grown
    )
    for size in sizes(args.state):
        results.drop([BACKENDS], [size])
        state.run(size)
        results.keep()


def _model(fleet: Fleet, target: Target) -> Model:
    control = WORK / f"mux-{target.name}"
    return by_ssh(target, USER, fleet.identity, fleet.ssh_options, control)


def _login_seconds(fleet: Fleet) -> float:
    """How long a board takes to let someone in and run nothing; the client's own start is part of it."""
    one = fleet.targets[0]
    argv = ["ssh", *fleet.ssh_options, "-i", str(fleet.identity), f"{USER}@{one.address}", "true"]
    taken = []
    for _ in range(5):
        begun = time.monotonic()
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
        taken.append(time.monotonic() - begun)
    return statistics.median(taken)


def _contenders(wanted: str, results: Results) -> list[str]:
    """The contenders asked for, without mitogen where it does not support this ansible-core."""
    names = [name.strip() for name in wanted.split(",") if name.strip()] or list(CONTENDERS)
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; known: {', '.join(CONTENDERS)}")
    if AnsibleMitogen.name in names and not mitogen():
        results.notes["mitogen"] = "left out, it does not support this ansible-core."
        names.remove(AnsibleMitogen.name)
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "part", nargs="*", help="of sides, growth, profile, cluster, report; or down: the boards go"
    )
    parser.add_argument("--sizes", default="1 5 13", help="boards (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (%(default)s)")
    parser.add_argument("--contenders", default="", help=f"of: {', '.join(CONTENDERS)}")
    parser.add_argument("--growth", default="5 13 50 200 500", help="simulated machines (%(default)s)")
    parser.add_argument("--profile", default="13 50 200", help="machines of the profile (%(default)s)")
    parser.add_argument("--state", default="50 200", help="machines whose state is kept (%(default)s)")
    parser.add_argument("--cluster", type=int, default=2, help="rounds, boards to cluster (%(default)s)")
    parser.add_argument("--latency", type=float, default=1.0, help="of simulated machines, ms (%(default)s)")
    parser.add_argument(
        "--quick", action="store_true", help="a few minutes, to see that all works; publishes nothing"
    )
    parser.add_argument("--fresh", action="store_true", help="forget former results")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
