"""Bootstrap tokens: shared while they are in use, gone afterwards."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

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
