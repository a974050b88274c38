"""The network namespace that holds all traffic of the lab.

It has a loopback and the bridges of the boards, and no way out. It is entered with `nsenter`:
`ip netns exec` would mount /sys anew and hide the control groups from dockerd.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lab.shell import run

NAME = "helicon-lab"
HANDLES = Path("/run/netns")
PATH = HANDLES / NAME


def inside(argv: Sequence[str]) -> list[str]:
    """The command line that runs a command in the namespace."""
    return ["nsenter", f"--net={PATH}", "--", *argv]


def exists() -> bool:
    """Whether the namespace can be entered; a handle left by an interruption cannot."""
    return PATH.exists() and run(inside(["true"]), check=False).returncode == 0


def make() -> None:
    """Make the namespace with a loopback, unless it is there."""
    if not exists():
        PATH.unlink(missing_ok=True)
        run(["ip", "netns", "add", NAME])
    run(["ip", "-n", NAME, "link", "set", "lo", "up"])
    # boards have no name server: each question is refused at once, not one a second and the rest
    # left to time out (20 s for each `sudo` on a board whose name is not in its /etc/hosts)
    run(inside(["sh", "-c", "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit"]))


def remove() -> None:
    """Remove the namespace, and the mount that held it when it was the last."""
    if exists():
        run(["ip", "netns", "delete", NAME])
    PATH.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if not any(HANDLES.iterdir()):
            run(["umount", str(HANDLES)], check=False)


def become(argv: Sequence[str]) -> NoReturn:
    """Replace this process by a command in the namespace; environment and exit status are the command's."""
    os.execvp("nsenter", inside(argv))
