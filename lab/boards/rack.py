"""A rack of boards: made, found again, and removed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab import engine, namespace
from lab.boards import keys
from lab.boards.plan import Board, Lab
from lab.errors import LabError
from lab.shell import run, say, wait

ANSWER_SECONDS = 120.0
AT_ONCE = 4
"""More boards that start at once only wait for each other on two cores."""
MODULES = Path("/lib/modules") / os.uname().release
"""The modules of the running kernel, where it has any."""
FLAGS = (
    "--privileged", "--cgroupns=private", "--stop-signal=SIGRTMIN+3", "--tmpfs=/run:exec,mode=755",
    "--tmpfs=/tmp:exec,mode=1777", "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined", "--restart=unless-stopped",
)  # fmt: skip


def up(lab: Lab, wanted: Mapping[Board, str], *, reset: bool = False) -> None:
    """Make or start the boards (board to image), wait until each answers over SSH, and write their host keys."""

    def one(board: Board) -> None:
        _settle(board, wanted[board], reset=reset)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, wanted))
    refresh_known_hosts(lab)
    with ThreadPoolExecutor(len(wanted)) as pool:
        list(pool.map(wait_for, wanted))


def make_network(lab: Lab) -> None:
    """Make the lab's network, unless it is there."""
    if engine.docker("network", "inspect", lab.network, check=False).returncode == 0:
        return
    bridge = f"--opt=com.docker.network.bridge.name={lab.bridge}"
    flags = ["--driver=bridge", f"--subnet={lab.subnet}", f"--gateway={lab.gateway}", bridge]
    made = engine.docker("network", "create", *flags, lab.network, check=False)
    if made.returncode:
        raise LabError(
            item=f"network {lab.network}",
            expected=f"{lab.subnet} is free",
            found=made.stderr.decode(errors="replace").strip(),
            next_step="give another subnet, for example --subnet 10.124.0.0/24",
        )


def wait_for(board: Board) -> None:
    """Wait until the board answers over SSH as pi, and lets pi become root."""
    line = " ".join(namespace.inside(keys.ssh(board, "sudo", "true")))
    wait(f"ssh to {board.name}", lambda: answers(board), timeout=ANSWER_SECONDS, pause=0.5, next_step=line)
    say(f"{board.name}: {board.address} answers")


def answers(board: Board) -> bool:
    """Whether the board's SSH server accepts the lab's key and sudo works."""
    command = namespace.inside(keys.ssh(board, "sudo", "-n", "true"))
    return run(command, timeout=30, check=False).returncode == 0


def refresh_known_hosts(lab: Lab) -> None:
    """Write the host keys of all running boards of the lab."""
    running = [Board(lab=lab, name=entry["board"]) for entry in listed(lab) if entry["running"]]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(zip([board.address for board in running], pool.map(_host_key, running), strict=True))
    keys.write_known_hosts(lab, found)


def listed(lab: Lab | None = None) -> list[dict[str, Any]]:
    """All boards of a lab (or of all labs): lab, board, container, running, key, image, address."""
    wanted = "label=helicon.lab" + (f"={lab.name}" if lab else "")
    names = engine.lines("ps", "--all", "--quiet", "--no-trunc", "--filter", wanted)
    # one that is being made anew may be gone by now: of that one, nothing is said
    described = json.loads(engine.docker("inspect", *names, check=False).stdout) if names else []
    return sorted((_entry(one) for one in described), key=lambda entry: str(entry["container"]))


def remove(lab: Lab) -> None:
    """Remove the lab's boards, volumes and network, and forget their host keys."""
    for entry in listed(lab):
        _discard(Board(lab=lab, name=entry["board"]))
    engine.docker("network", "rm", lab.network, check=False)
    keys.known_hosts(lab).unlink(missing_ok=True)


def _entry(described: dict[str, Any]) -> dict[str, Any]:
    labels = described["Config"]["Labels"]
    return {
        "lab": labels["helicon.lab"],
        "board": labels["helicon.board"],
        "container": described["Name"].lstrip("/"),
        "running": described["State"]["Running"],
        "key": labels["helicon.key"],
        "image": described["Config"]["Image"],
        "address": labels["helicon.address"],
    }


def _host_key(board: Board) -> str:
    # the boot program generates it in the first second
    def there() -> bool:
        test = engine.docker("exec", board.container, "test", "-s", keys.HOST_KEY, check=False)
        return test.returncode == 0

    wait(f"host key of {board.name}", there, timeout=30, next_step=f"status of {board.container}")
    return keys.host_key(board)


def _settle(board: Board, image: str, *, reset: bool) -> None:
    entry = {entry["container"]: entry for entry in listed(board.lab)}.get(board.container)
    if entry and (reset or reason_to_renew(board, entry)):
        say(f"{board.name}: made anew: {'--reset' if reset else reason_to_renew(board, entry)}")
        entry = None
    if entry is None:
        _create(board, image)
    elif entry["image"] != image:
        say(f"{board.name}: runs an older image ({entry['image']}); --reset makes it anew")
    engine.docker("start", board.container)


def reason_to_renew(board: Board, entry: dict[str, Any]) -> str:
    """Why a board that is there cannot be used by this clone; empty when it can."""
    if entry["key"] != keys.digest(board.lab):
        return "it belongs to another clone (another SSH key)"
    if entry["address"] != board.address:
        return f"its address is {entry['address']}"
    return ""


def _create(board: Board, image: str) -> None:
    labels = {
        "helicon.lab": board.lab.name,
        "helicon.board": board.name,
        "helicon.key": keys.digest(board.lab),
        "helicon.address": board.address,
    }
    flags = [f"--label={key}={value}" for key, value in labels.items()]
    flags += [f"--volume={volume}:{path}" for volume, path in board.volumes.items()]
    flags += [f"--network={board.lab.network}", f"--ip={board.address}"]
    flags += [f"--env=HELICON_DRESS={board.dress}"]
    partial = f"new-{board.container}"
    if MODULES.exists():
        flags.append(f"--volume={MODULES}:{MODULES}:ro")
    _discard(board)  # the former one, or the disk that an interruption left of it
    engine.docker("create", f"--name={partial}", *FLAGS, *flags, image)
    key = keys.archive(keys.public(board.lab))
    engine.docker("cp", "-", f"{partial}:/home/{keys.USER}", stdin=key)
    # the name says that it is complete: an interruption before leaves a board that is made anew
    engine.docker("rename", partial, board.container)


def _discard(board: Board) -> None:
    engine.docker("rm", "--force", "--volumes", board.container, f"new-{board.container}", check=False)
    engine.docker("volume", "rm", "--force", *board.volumes)


def memory(containers: Sequence[str]) -> dict[str, str]:
    """Memory in use for each running container, as Docker prints it."""
    if not containers:
        return {}
    stats = engine.lines("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *containers)
    return {name: used.split(" / ")[0] for name, _, used in (line.partition(" ") for line in stats)}
