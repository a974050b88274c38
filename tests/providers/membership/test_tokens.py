"""Bootstrap tokens: shared while they are in use, gone afterwards."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from providers.core.errors import HostError
from providers.membership import tokens
from providers.membership.tokens import Tokens
from tests.fake_host import Answer, Command, FakeHost, pattern

ONE, OTHER = "aaaaaa.0123456789abcdef", "bbbbbb.0123456789abcdef"


def made(token: str) -> Command:
    """A token made and signed for."""
    return Command(argv=pattern("<tokens.create>"), secret=True, answer=Answer(out=token))


def deleted(token: str) -> Command:
    """A token taken back, by its public part."""
    return Command(argv=pattern(f"kubeadm token delete {token[:6]}"))


def test_who_joins_at_the_same_time_shares_one() -> None:
    """The strict host would refuse a second, and a second end of it."""
    host, given = FakeHost("cp-1", commands=[made(ONE), deleted(ONE)]), Tokens()
    together = threading.Barrier(8)

    def join(_: int) -> str:
        with given.by(host) as token:
            together.wait(60)
            return token

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(join, range(8))) == {ONE}
    host.finish()


def test_who_comes_later_has_another() -> None:
    """One that was taken back opens nothing; a join that failed has given it back, too."""
    host = FakeHost("cp-1", commands=[made(ONE), deleted(ONE), made(OTHER), deleted(OTHER)])
    given = Tokens()
    with suppress(ZeroDivisionError), given.by(host):
        raise ZeroDivisionError
    with given.by(host) as token:
        assert token == OTHER
    host.finish()


def test_one_that_ends_soon_is_given_to_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has it goes on with it, and takes it back."""
    monkeypatch.setattr(tokens, "FRESH", 0.0)
    host = FakeHost("cp-1", commands=[made(ONE), made(OTHER), deleted(OTHER), deleted(ONE)])
    given = Tokens()
    with given.by(host) as first, given.by(host) as second:
        assert (first, second) == (ONE, OTHER)
    host.finish()


class Door:
    """A lock that is taken, and tells how many wait."""

    def __init__(self) -> None:
        self.waiting = threading.Semaphore(0)
        self.lock = threading.Lock()
        self.lock.acquire()

    def __enter__(self) -> None:
        self.waiting.release()
        self.lock.acquire()

    def __exit__(self, *error: object) -> None:
        self.lock.release()


def test_who_waited_for_one_that_could_not_be_made_has_the_same_error() -> None:
    """A control plane that fails keeps nobody waiting twice; whoever comes later tries again."""
    failing = Command(argv=pattern("<tokens.create>"), secret=True, answer=Answer(exit=1, err="no API"))
    host, given = FakeHost("cp-1", commands=[failing, made(ONE), deleted(ONE)]), Tokens()
    door = Door()
    given._issuers[host] = tokens._Issuer(lock=door)  # type: ignore[arg-type]

    def join(_: int) -> str:
        try:
            with given.by(host):
                return "joined"
        except HostError as error:
            return error.found

    with ThreadPoolExecutor(4) as pool:
        joins = [pool.submit(join, number) for number in range(4)]
        for _ in joins:
            door.waiting.acquire()
        door.lock.release()
        assert {one.result() for one in joins} == {"1: no API"}
    with given.by(host) as token:
        assert token == ONE
    host.finish()
