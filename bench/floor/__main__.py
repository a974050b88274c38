"""BENCH_MACHINES times the resources of one machine, in the same chains, each doing nothing.

BENCH_BYTES is the size of a resource's properties, taken from a real state; BENCH_RESOURCES, where
given, how many resources of a chain there are.
"""

from __future__ import annotations

import os

import pulumi

from bench.floor.noop import Idle, Machine
from components import debug_messages
from providers import ending

# as in the program: what it does not wait for is no part of its floor
debug_messages.only_if_asked_for()
ending.without_search()
CHAIN = ("access", "system", "kernel", "software")
chain = CHAIN[: int(os.environ.get("BENCH_RESOURCES", len(CHAIN)))]
text = "x" * int(os.environ.get("BENCH_BYTES", "1500"))

for number in range(1, int(os.environ["BENCH_MACHINES"]) + 1):
    parent = Machine(f"m-{number}")
    needs: list[pulumi.Resource] = []
    for part in chain:
        options = pulumi.ResourceOptions(parent=parent, depends_on=list(needs))
        needs = [Idle(f"m-{number}-{part}", text, options)]
