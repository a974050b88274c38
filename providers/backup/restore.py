"""`python -m providers.backup.restore STACK SNAPSHOT`: etcd's data back from a snapshot, for lost quorum or data.

Without --yes it only verifies the snapshot and says what would be done. With --members it restores
onto these machines alone; the other control planes are reset and join again by an ordinary `pulumi up`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from config import ConfigurationError, Rack, load_file
from providers.backup.machines import CommandRack, connected, members_of
from providers.backup.restoring import Restore, Seen, look
from providers.backup.snapshot_file import verified
from providers.core.errors import HostError, Refused
from providers.core.host import Host
from providers.membership.admin import Peer


def main(arguments: Sequence[str]) -> int:
    """Restore, or with anything amiss say what; 2 when only --yes is missing."""
    parser = argparse.ArgumentParser(prog="python -m providers.backup.restore", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("--members", default="", help="only these control planes, separated by commas")
    parser.add_argument("--yes", action="store_true", help="do it")
    given = parser.parse_args(arguments)
    try:
        rack = load_file(Path(f"Pulumi.{given.stack}.yaml"))
        digest = verified(given.snapshot)
        with connected(rack) as machines:
            restore = planned(rack, machines, given.snapshot, digest, given.members)
            print(told(restore))
            if not given.yes:
                print("Nothing was changed. To do it: the same with YES=1 (--yes)")
                return 2
            restore.run()
    except (ConfigurationError, HostError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"restored; now: pulumi up --stack {given.stack}")
    return 0


def planned(rack: Rack, machines: CommandRack, snapshot: Path, digest: str, names: str) -> Restore:
    """Who takes part; raises what stands against it, before anything is touched."""
    every = [one.name for one in members_of(rack)]
    wanted = [name for name in names.replace(" ", "").split(",") if name] or every
    unknown = [name for name in wanted if name not in every]
    if unknown:
        raise _refused(f"names among {', '.join(every)}", ", ".join(unknown), "correct MEMBERS")
    stacked = not rack.etcd_members
    if not stacked and set(wanted) != set(every):
        raise _refused(
            "all members of an external etcd",
            ", ".join(wanted),
            "leave MEMBERS out; a machine that is gone: take it out of etcd_members first",
        )
    excluded = (
        [] if set(wanted) == set(every) else _answering(machines, [one for one in every if one not in wanted])
    )
    servers = wanted if stacked else [one.name for one in rack.control_planes()]
    return Restore(
        members=[machines.host(name) for name in wanted],
        excluded=excluded,
        servers=[machines.host(name) for name in servers],
        rack=machines,
        snapshot=snapshot,
        digest=digest,
        say=lambda line: print(line, flush=True),
        stamp=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    )


def told(restore: Restore) -> str:
    """What will happen, and what is lost."""
    lines = [f"snapshot: {restore.snapshot} (sha256 {restore.digest[:12]})"]
    for host in restore.members:
        seen = _looked(host)
        state = "etcd runs" if seen.running else "etcd does not run"
        lines.append(f"restore onto {host}: {state}; {seen.data} is kept in {seen.area}")
    lines += [f"take out {host}: it is reset, and joins again by pulumi up" for host in restore.excluded]
    ready = [host.name for host in restore.servers if Peer(host).ready]
    if ready:
        lines.append(
            f"The API answers on {', '.join(ready)}: all that was written after the snapshot is lost."
        )
    return "\n".join(lines)


def _looked(host: Host) -> Seen:
    try:
        return look(host)
    except HostError as error:
        raise _refused(
            f"a machine with an etcd member's manifest at {host}",
            error.found.strip(),
            "leave it out: the same with MEMBERS=<the others, separated by commas>",
        ) from None


def _answering(machines: CommandRack, names: Sequence[str]) -> list[Host]:
    """Those that can be asked; of a dead machine the user is told."""
    found = []
    for name in names:
        peer = Peer(machines.host(name))
        if peer.member:
            found.append(peer.host)
        elif peer.error:
            print(
                f"{name} does not answer. Before it is switched on again: clear its {name}:/var/lib/etcd, "
                "or it may form the old cluster anew."
            )
    return found


def _refused(expected: str, found: str, next_step: str) -> Refused:
    return Refused(host="cluster", item="restore", expected=expected, found=found, next_step=next_step)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
