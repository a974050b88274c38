"""The preparation of machines and nothing else, by the components of the program itself.

The whole program wants a cluster; here only what comes before it is described, so that the same is
compared with tools that make no cluster. Configuration, preflight, resources, provider and state are
those of the program.
"""

from __future__ import annotations

from components import debug_messages, properties
from components.configuration import load_rack
from components.node import Board
from components.preflight import preflight
from providers import ending
from providers.adapter import Software

debug_messages.only_if_asked_for()
ending.without_search()
rack = load_rack()
preflight(rack)
for machine in rack.nodes.values():
    board = Board("Node", rack, machine, None)
    board.add(Software, {"packages": properties.extra_packages(machine)}, board.last)
