"""The power switch of single boards, for tests of failures."""

from __future__ import annotations

from lab import engine
from lab.boards import rack
from lab.boards.plan import Board
from lab.shell import wait

STOP_SECONDS = 60
REBOOT_SECONDS = 120.0
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def shut_down(board: Board) -> None:
    """Shut the board down in good order; it stays off until `power_on`."""
    engine.docker("stop", f"--time={STOP_SECONDS}", board.container, timeout=STOP_SECONDS + 30)


def cut(board: Board) -> None:
    """Cut the power: every process dies at once; the board stays off until `power_on`."""
    engine.docker("kill", board.container)


def power_on(board: Board) -> None:
    """Switch the board on and wait until it answers."""
    engine.docker("start", board.container)
    rack.wait_for(board)


def reboot(board: Board) -> None:
    """Have the board start anew in good order, and wait until it answers again."""
    before = boot_id(board)
    engine.docker("exec", "--detach", board.container, "systemctl", "reboot")

    def back() -> bool:
        argv = ["exec", board.container, "cat", _BOOT_ID]
        done = engine.docker(*argv, check=False)
        return done.returncode == 0 and done.stdout.decode().strip() != before

    wait(
        f"{board.name} to start anew",
        back,
        timeout=REBOOT_SECONDS,
        next_step=f"its console: {board.container}",
    )
    rack.wait_for(board)


def root(board: Board, *argv: str, stdin: bytes = b"", timeout: float = 120.0) -> str:
    """What a command prints on the board, run as root past SSH and its records."""
    flags = ["--interactive"] if stdin else []
    done = engine.docker("exec", *flags, board.container, *argv, stdin=stdin, timeout=timeout)
    return done.stdout.decode(errors="replace")


def boot_id(board: Board) -> str:
    """The id of the current boot; another after a reboot."""
    return root(board, "cat", _BOOT_ID).strip()
