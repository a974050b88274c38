"""The simulated rack from nothing to a verified cluster: `python -m lab up|down|run`."""

from __future__ import annotations

import argparse
import sys
import time

from lab.boards import __main__ as boards
from lab.boards import plan
from lab.bundle.build import build
from lab.errors import LabError
from lab.places import REPOSITORY
from lab.program import Program
from lab.shell import say

NEXT = """
What to try next:
  python -m lab run kubectl get pods -A        # any command, in the lab's network
  python -m lab run pulumi preview             # nothing to change
  python -m lab run ssh -i .lab/lab/ssh/id_ed25519 pi@10.123.0.21 sudo systemctl stop containerd
  python -m lab run pulumi up                  # names the drift, and mends it
  make lab-down                                # pulumi destroy, then the boards go
"""


def up() -> None:
    """Bundle, boards, `pulumi up`, and a statement of what is there."""
    started = time.monotonic()
    bundle = build()
    lab = plan.Lab()
    boards.up(lab, plan.boards(lab, plan.BOARDS))
    program = Program(bundle=bundle)
    program.prepare()
    program.unlock()
    say(f"lab: boards and artifacts ready after {time.monotonic() - started:.0f} s; now pulumi up")
    program.run("up", "--yes", "--skip-preview")
    program.write_kubeconfig()
    print(program.kubectl("get", "nodes", "-o", "wide"))
    print(f"kubeconfig: {program.kubeconfig.relative_to(REPOSITORY)}")
    print(f"ready after {time.monotonic() - started:.0f} s")
    print(NEXT)


def down() -> None:
    """`pulumi destroy`, then the boards go."""
    program = Program()
    if (program.place / "state").exists() and boards.rack_answers():
        program.prepare()
        program.unlock()
        program.run("destroy", "--yes", "--skip-preview")
        program.run("stack", "rm", "--yes", "--preserve-config", quiet=True, place=program.place)
    program.forget()
    boards.down(plan.Lab())


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("up", help="everything to a verified cluster; safe to repeat")
    verbs.add_parser("down", help="pulumi destroy, then the boards go")
    inside = verbs.add_parser("run", help="run pulumi, kubectl, ssh… in the lab")
    inside.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    try:
        if args.verb == "run":
            Program(bundle=build()).become(args.command)
        elif args.verb == "up":
            up()
        else:
            down()
    except LabError as error:
        say(f"lab: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
