"""One thing after the other stopped and put back, while the endpoint is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from config import Rack
from config.balancing import Zone
from providers.core.errors import HostError, StillDiffers
from providers.core.thing import Rack as Machines
from providers.failover.probe import ASKED, Probing, Result, ask
from providers.failover.stops import Stop, running
from providers.membership.admin import peers

LEAD = 2.0
"""Seconds of probes before anything is stopped."""
WAIT = 600.0
"""Seconds for all to be well again; a slow board needs minutes to start."""
POLL = 1.0
COLUMNS = ("machine", "stopped", "probes", "failed", "longest gap", "first failure")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was stopped, and what the probes say."""

    stop: Stop
    result: Result


def url(rack: Rack, stop: Stop) -> str:
    """Where the API is asked: at the endpoint of the machine's zone."""
    return _url(rack.zone(rack.zone_of(stop.machine)))


def services(rack: Rack, machines: Machines) -> dict[str, list[str]]:
    """What runs before anything is stopped, by machine."""
    names = [one.name for one in [*rack.load_balancers.values(), *rack.control_planes()]]
    return {name: running(machines.host(name)) for name in names}


def unwell(rack: Rack, machines: Machines, expected: Mapping[str, Sequence[str]]) -> list[str]:
    """What is not as it should be: API servers, services, and the endpoints."""
    said = [f"{peer.host.name}: API server not ready" for peer in peers(machines) if not peer.ready]
    for name, wanted in expected.items():
        try:
            missing = set(wanted) - set(running(machines.host(name))) if wanted else set()
        except HostError as error:
            said.append(str(error))
            continue
        said += [f"{name}: {service} does not run" for service in sorted(missing)]
    answers = {
        address: ask(address).error for address in sorted({_url(one) for one in rack.endpoints().values()})
    }
    return said + [f"{address}: {error}" for address, error in answers.items() if error]


def suffer(
    rack: Rack, machines: Machines, stop: Stop, expected: Mapping[str, Sequence[str]], hold: float
) -> Row:
    """Stop one thing for a while; whatever happens, it is put back."""
    with Probing(url(rack, stop)) as seen:
        time.sleep(LEAD)
        try:
            stop.begin(machines)
            time.sleep(hold if stop.holds else 0)
        finally:
            stop.end(machines)
        await_well(lambda: unwell(rack, machines, expected), f"after {stop.what} on {stop.machine.name}")
    return Row(stop=stop, result=seen.result)


def await_well(missing: Callable[[], list[str]], when: str) -> None:
    """Wait until nothing is missing; raises StillDiffers with what is."""
    deadline = time.monotonic() + WAIT
    while left := missing():
        if time.monotonic() > deadline:
            raise StillDiffers(
                host="rack",
                item=f"failover check, {when}",
                expected=f"all well again within {WAIT:.0f} s",
                found="; ".join(left),
                next_step="pulumi up (it mends what is amiss)",
            )
        time.sleep(POLL)


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown, which is as good to read in a terminal."""
    cells = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS))]
    lines = [
        "| " + " | ".join(f"{one:<{width}}" for one, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _cells(row: Row) -> tuple[str, ...]:
    seen = row.result
    gap = f"{seen.longest:.1f} s"
    return (row.stop.machine.name, row.stop.what, str(seen.probes), str(seen.failed), gap, seen.error)


def _url(zone: Zone) -> str:
    return f"https://{zone.endpoint_address or zone.endpoint}:{zone.endpoint_port}{ASKED}"
