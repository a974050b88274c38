"""The command line: `python -m lab.boards up|down|status|run`."""

from __future__ import annotations

import argparse
import ipaddress
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lab import engine, machine, namespace, places, timeserver
from lab.boards import image, keys, plan, rack
from lab.errors import LabError
from lab.shell import say


def main(argv: list[str] | None = None) -> int:
    """Do what the arguments say; the status is 1 when it failed."""
    args = _parser().parse_args(argv)
    lab = plan.Lab(name=args.lab, subnet=args.subnet)
    try:
        if args.verb == "up":
            up(lab, plan.boards(lab, args.boards.split(",")), reset=args.reset)
        elif args.verb == "down":
            down(lab)
        elif args.verb == "status":
            print(status(lab))
        else:
            namespace.become(args.command)
    except LabError as error:
        say(f"lab: {error}")
        return 1
    return 0


@contextmanager
def ground(lab: plan.Lab) -> Iterator[None]:
    """What boards of a lab stand on, made where it is not there; its lock is held for the block, which makes images."""
    with engine.lock():
        machine.prepare()
        namespace.make()
        engine.start()
        timeserver.start()
        keys.make(lab)
        rack.make_network(lab)
        yield


def up(lab: plan.Lab, boards: list[plan.Board], *, reset: bool = False) -> None:
    """From nothing, or from any state an interruption left, to boards that answer."""
    with ground(lab):
        images = {board: image.make(image.system_of(board)) for board in boards}
    rack.up(lab, images, reset=reset)
    say(f"lab: {len(boards)} boards; key {keys.identity(lab)}, host keys {keys.known_hosts(lab)}")


def down(lab: plan.Lab) -> None:
    """Remove the lab's boards; with the last lab, also daemon, time server and namespace."""
    if not shutil.which("dockerd", path=machine.ADMIN_PATH):
        return
    with engine.lock():
        if namespace.exists():
            engine.start()
            rack.remove(lab)
            if rack.listed():
                say(f"lab: {lab.name} is down; another lab's boards stay")
                return
            engine.stop()
            timeserver.stop()
        namespace.remove()
        shutil.rmtree(places.RUNTIME, ignore_errors=True)
    say(f"lab: {lab.name} is down; images stay in {engine.data()}")


def rack_answers(lab: plan.Lab | None = None) -> bool:
    """Whether a board of the lab runs."""
    return engine.answers() and any(entry["running"] for entry in rack.listed(lab or plan.Lab()))


def status(lab: plan.Lab) -> str:
    """A table: board, address, whether it runs, memory."""
    if not engine.answers():
        return f"{lab.name}: no boards"
    entries = rack.listed(lab)
    memory = rack.memory([entry["container"] for entry in entries if entry["running"]])
    rows = [("BOARD", "ADDRESS", "STATE", "MEMORY")]
    for entry in entries:
        state = "running" if entry["running"] else "off"
        rows.append((entry["board"], entry["address"], state, memory.get(entry["container"], "-")))
    return "\n".join("{:<8} {:<15} {:<8} {}".format(*row) for row in rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.boards", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--lab", default="lab", help="name of the rack (%(default)s)")
    common.add_argument("--subnet", default=plan.SUBNET, type=ipaddress.IPv4Network, help="of a second lab")
    make = verbs.add_parser("up", parents=[common], help="make or start boards")
    make.add_argument("--boards", default=",".join(plan.BOARDS), help="(%(default)s)")
    make.add_argument("--reset", action="store_true", help="make the boards anew")
    verbs.add_parser("down", parents=[common], help="remove boards; images stay")
    verbs.add_parser("status", parents=[common], help="show boards")
    inside = verbs.add_parser("run", parents=[common], help="run a command in the lab's namespace")
    inside.add_argument("command", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
