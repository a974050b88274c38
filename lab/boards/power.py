"""The power switch of single boards, for tests of failures."""

from __future__ import annotations

from lab import engine
from lab.boards import rack
from lab.boards.plan import Board

STOP_SECONDS = 60


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


def root(board: Board, *argv: str, stdin: bytes = b"", timeout: float = 120.0) -> str:
    """What a command prints on the board, run as root past SSH and its records."""
    flags = ["--interactive"] if stdin else []
    done = engine.docker("exec", *flags, board.container, *argv, stdin=stdin, timeout=timeout)
    return done.stdout.decode(errors="replace")


def boot_id(board: Board) -> str:
    """The id of the current boot; another after a reboot."""
    return root(board, "cat", "/proc/sys/kernel/random/boot_id").strip()
