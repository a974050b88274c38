"""`python -m providers.failover STACK`: whether the API survives each machine and service in front of it.

On a living rack, over SSH: HAProxy and keepalived wherever they run, then each API server is stopped
for a while and put back, one after the other, while the endpoint is asked every 0.2 s from here. With
--reboot, each load balancer and control plane is restarted as well.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from config import ConfigurationError, Rack, load_file
from providers.core.errors import HostError
from providers.failover.check import Row, services, suffer, table, unwell
from providers.failover.stops import Stop, stops
from providers.session import LiveRack, Session

HOLD = 10.0


def main(arguments: Sequence[str]) -> int:
    """Check the rack; 1 when it was not well at first or did not get well again."""
    parser = argparse.ArgumentParser(prog="python -m providers.failover", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument(
        "--reboot", action="store_true", help="restart each load balancer and control plane, too"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before anything is stopped")
    parser.add_argument("--hold", type=float, default=HOLD, help="seconds for which a service stays stopped")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rows: list[Row] = []
    try:
        rack = load_file(Path(f"Pulumi.{given.stack}.yaml"))
        _check(rack, rows, reboot=given.reboot, yes=given.yes, hold=given.hold)
    except (ConfigurationError, HostError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was stopped has been put back", file=sys.stderr)
        return 130
    finally:
        if rows:
            print(f"\n{table(rows)}")
    return 0 if rows else 1


def _check(rack: Rack, rows: list[Row], *, reboot: bool, yes: bool, hold: float) -> None:
    machines = LiveRack(Session({}), rack)
    expected = services(rack, machines)
    missing = unwell(rack, machines, expected)
    if missing:
        print("not begun: " + "; ".join(missing), file=sys.stderr)
        return
    todo = list(stops(rack, machines, reboot=reboot))
    if not yes and not _confirmed(rack, todo):
        return
    for one in todo:
        print(f"{one.machine.name}: {one.what}", flush=True)
        rows.append(suffer(rack, machines, one, expected, hold))
        print(f"  {rows[-1].result}", flush=True)


def _confirmed(rack: Rack, todo: Sequence[Stop]) -> bool:
    print(f"These stop in turn on the rack of {rack.stack}, and are put back:")
    for one in todo:
        print(f"  {one.machine.name}: {one.what}")
    return input("Go on? (yes) ").strip() in ("y", "yes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
