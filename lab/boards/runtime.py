"""An OCI runtime in front of runc: it asks only for what this machine can give, and protects its clock.

Docker's `--privileged` asks for every capability and for the usual limits. Where our bounding set
lacks one of them (machines without CAP_SYS_RESOURCE) runc fails, so they are taken out of the
container's config.json, and out of the process file of an `exec`. CAP_SYS_TIME is always taken out:
the boards share the clock of this machine. This file is copied and run alone: standard library only.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
    "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
    "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip
"""Names by bit number, from linux/capability.h."""
WITHHELD = frozenset({"CAP_SYS_TIME"})
RESOURCE = "CAP_SYS_RESOURCE"


def allowed(bounding: int) -> frozenset[str]:
    """The capabilities of a bounding set (a bit mask) that a board may have."""
    held = {f"CAP_{name}" for bit, name in enumerate(CAPABILITIES) if bounding >> bit & 1}
    return frozenset(held - WITHHELD)


def fit(process: dict[str, Any], may: frozenset[str], hard: Mapping[str, int]) -> dict[str, Any]:
    """The process of an OCI configuration, cut down to the capabilities and hard limits given."""
    fitted = dict(process)
    sets = process.get("capabilities") or {}
    fitted["capabilities"] = {kind: [cap for cap in caps if cap in may] for kind, caps in sets.items()}
    if RESOURCE not in may:
        fitted["rlimits"] = [_clamp(limit, hard) for limit in process.get("rlimits") or []]
        fitted["oomScoreAdj"] = max(0, process.get("oomScoreAdj") or 0)
    return fitted


def _clamp(limit: Mapping[str, Any], hard: Mapping[str, int]) -> dict[str, Any]:
    most = hard.get(limit["type"], limit["hard"])
    return {"type": limit["type"], "hard": min(limit["hard"], most), "soft": min(limit["soft"], most)}


def hard_limits(types: Iterable[str]) -> dict[str, int]:
    """Our own hard limits for names such as RLIMIT_NOFILE, without those that are unlimited."""
    known = [name for name in types if hasattr(resource, name)]
    limits = {name: resource.getrlimit(getattr(resource, name))[1] for name in known}
    return {name: most for name, most in limits.items() if most != resource.RLIM_INFINITY}


def bounding_set(status: str) -> int:
    """The bounding set in the text of /proc/self/status."""
    (line,) = (line for line in status.splitlines() if line.startswith("CapBnd:"))
    return int(line.split()[1], 16)


def option(args: Sequence[str], *names: str) -> str | None:
    """The value of an option given as `--name value` or `--name=value`."""
    for index, arg in enumerate(args):
        name, equals, value = arg.partition("=")
        if name in names:
            return value if equals else args[index + 1]
    return None


def rewrite(path: Path, *, whole: bool) -> None:
    """Fit a config.json (`whole`) or a process file in place."""
    document = json.loads(path.read_text())
    process = document["process"] if whole else document
    hard = hard_limits(limit["type"] for limit in process.get("rlimits") or [])
    fitted = fit(process, allowed(bounding_set(Path("/proc/self/status").read_text())), hard)
    path.write_text(json.dumps({**document, "process": fitted} if whole else fitted))


def main(args: Sequence[str]) -> None:
    """Fit what runc is about to read, then become runc."""
    if "create" in args or "run" in args:
        rewrite(Path(option(args, "--bundle", "-b") or ".") / "config.json", whole=True)
    elif "exec" in args and (process := option(args, "--process", "-p")):
        rewrite(Path(process), whole=False)
    os.execvp("runc", ["runc", *args])


if __name__ == "__main__":
    main(sys.argv[1:])
