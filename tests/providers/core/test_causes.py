"""Failures: the cause is named from what a command said, else its last lines are shown."""

from __future__ import annotations

import pytest

from providers.core.causes import check, explain
from providers.core.errors import CommandFailed, DiskFull, HostError
from providers.core.host import Completed
from tests.fake_host import FakeHost


def _failed(stderr: str, exit_status: int = 100) -> Completed:
    return Completed(argv=("x",), exit_status=exit_status, stdout=b"", stderr=stderr.encode())


@pytest.mark.parametrize(
    ("said", "kind", "expected"),
    [
        ("tar: write error: No space left on device", DiskFull, "free space"),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", DiskFull, "free space"),
        ("E: Could not get lock /var/lib/dpkg/lock. Process 9 has it", CommandFailed, "the lock of dpkg"),
        ("GPG error: ... NO_PUBKEY 234654DA9A296436", CommandFailed, "a repository signed"),
        ("Temporary failure resolving 'mirror.example.test'", CommandFailed, "a name server"),
        ("server certificate verification failed", CommandFailed, "a certificate that is valid"),
        ("E: Version '9*' for 'a' was not found", CommandFailed, "a package that the configured"),
        ("curl: (7) Failed to connect to 10.0.0.1 port 80", CommandFailed, "an address that can be reached"),
        ("mount: Read-only file system", CommandFailed, "a file system that can be written"),
        ("a : Depends: b but it is not\nE: Unmet dependencies.", CommandFailed, "packages in a"),
    ],
)
def test_a_known_cause_is_named(said: str, kind: type[HostError], expected: str) -> None:
    """With the host, the item, the line that tells it, and a next step."""
    error = explain(FakeHost(), "package a", _failed(f"Reading lists...\n{said}"))
    assert type(error) is kind
    assert f"cp-1 (10.0.0.11): package a: expected {expected}" in str(error)
    assert said.splitlines()[-1].strip() in str(error) and "Reading lists" not in str(error)


def test_a_full_disk_tells_more_than_what_it_leads_to() -> None:
    """The first cause in the list wins, wherever it stands in the text."""
    said = "E: Unmet dependencies\ndpkg: error: No space left on device"
    assert isinstance(explain(FakeHost(), "a", _failed(said)), DiskFull)


def test_an_unknown_cause_shows_the_last_ten_lines() -> None:
    """And no more."""
    error = explain(FakeHost(), "a", _failed("\n".join(f"line {number}" for number in range(30))))
    assert "line 20" in str(error) and "line 29" in str(error) and "line 19" not in str(error)


def test_silence_shows_the_status() -> None:
    """A command that said nothing is told by its status; one that succeeded raises nothing."""
    check(FakeHost(), "a", _failed("noise", exit_status=0))
    with pytest.raises(CommandFailed, match="status 137 and no message"):
        check(FakeHost(), "a", _failed("", exit_status=137))
