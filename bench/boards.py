"""The boards that are measured on: of the lab, with Python for Ansible and without the record of commands."""

from __future__ import annotations

import ipaddress
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.engine import HOME, first_on_path
from bench.places import VENV, WORK
from bench.preparation import DISABLED, FSTAB, PACKAGES, SYSCTL, UNITS, differences, report_command
from bench.target import Fleet, Target
from lab import engine
from lab.boards import __main__ as boards
from lab.boards import image, keys, plan, power, rack

LAB = plan.Lab(name="bench", subnet=ipaddress.IPv4Network("10.130.0.0/24"))
SYSTEM = image.System(
    packages=(
        *(name for name in image.PACKAGES if name != "snoopy"),
        *(name for name in PACKAGES if name not in image.PACKAGES),
        "python3",
        "python3-apt",
    )
)
"""snoopy would add to every program that a board starts; Ansible needs Python and apt's bindings."""
_AT_ONCE = 8

_SAVE = """
set -eu; mkdir -p /var/lib/bench; cd /
[ ! -e /var/lib/bench/complete ] || exit 0
printf '%s\\n' "$1" >> etc/fstab; shift
for key; do printf '%s %s\\n' "$key" "$(cat "/proc/sys/$key")"; done > /var/lib/bench/sysctl
find etc home root -xdev | sort > /var/lib/bench/list
tar -cpf /var/lib/bench/base.tar etc home root
touch /var/lib/bench/complete
"""
_RESET = """
set -u; cd /; timer=$1; shift
for unit; do systemctl disable -q --now "$unit" 2>/dev/null; done
systemctl stop 'helicon-*'
find etc home root -xdev | sort | comm -23 - /var/lib/bench/list | while read -r path; do rm -rf -- "$path"; done
tar -xpf /var/lib/bench/base.tar || exit 1
while read -r key value; do echo "$value" > "/proc/sys/$key"; done < /var/lib/bench/sysctl
hostname "$(cat /etc/hostname)"
rm -rf /var/lib/helicon /tmp/pyinfra-* /tmp/ansible*
systemctl daemon-reload; systemctl restart systemd-journald; systemctl enable -q --now "$timer"; sync
"""
_READ_PROGRAMS = (
    "cat /usr/bin/* /usr/sbin/* /usr/lib/systemd/* /usr/lib/*-linux-gnu/*.so* > /dev/null 2>&1; true"
)


def ground(lab: plan.Lab) -> str:
    """Make what boards of a lab stand on, unless it is there; their image."""
    with boards.ground(lab):
        return image.make(SYSTEM)


class Boards:
    """So many boards, made or found again; the first `count` of them are measured on."""

    def __init__(self, most: int) -> None:
        self.boards = plan.boards(LAB, [f"w-{number}" for number in range(1, most + 1)])

    def up(self) -> None:
        """Make or start them, and keep a copy of what a fresh one is."""
        rack.up(LAB, dict.fromkeys(self.boards, ground(LAB)))
        settings = [key.replace(".", "/") for key in SYSCTL]
        self._each(["sh", "-c", _SAVE, "save", FSTAB, *settings], len(self.boards))

    def rest(self) -> None:
        """Stop all boards of the lab beyond these: even who idles is in every time."""
        wanted = {board.container for board in self.boards}
        running = {one["container"] for one in rack.listed(LAB) if one["running"]}
        if surplus := running - wanted:
            engine.docker("stop", *surplus)

    def down(self) -> None:
        """They go."""
        boards.down(LAB)

    def fleet(self, count: int) -> Fleet:
        """The first boards, as all contenders know them."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            host_keys = list(pool.map(keys.host_key, self.boards[:count]))
        targets = [
            Target(name=f"bench-{number:03}", own_address=board.address, address=board.address, host_key=key)
            for number, (board, key) in enumerate(zip(self.boards, host_keys, strict=False), 1)
        ]
        return Fleet.of(targets, keys.identity(LAB), WORK / f"fleet-{count}")

    def reset(self, count: int) -> None:
        """Make the first boards what they were when fresh."""
        self._each(["sh", "-c", _RESET, "reset", DISABLED, *UNITS], count)

    def warm(self) -> None:
        """Read what all contenders run, here and on the boards, which share their image's files.

        A virtual computer may give back the memory of files that nobody read for a minute: whoever comes after a
        long run would read its programs from disk.
        """
        power.root(self.boards[0], "sh", "-c", _READ_PROGRAMS)
        for programs in (Path(sys.prefix), VENV, HOME, *map(Path, first_on_path())):
            for file in programs.rglob("*"):
                if file.is_file():
                    file.read_bytes()

    def amiss(self, fleet: Fleet) -> list[str]:
        """What is not as every contender should have made it, read past SSH."""

        def one(board: plan.Board, target: Target) -> list[str]:
            return differences(target, power.root(board, *report_command(target)))

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            pairs = zip(self.boards, fleet.targets, strict=False)
            return [line for lines in pool.map(lambda pair: one(*pair), pairs) for line in lines]

    def _each(self, argv: list[str], count: int) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda board: power.root(board, *argv), self.boards[:count]))
