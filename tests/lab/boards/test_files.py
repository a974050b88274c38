"""Snapshots of a board's files, and their comparison."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.boards import files
from lab.shell import run

FILE = files.Entry(kind="f", mode="644", owner="root:root", size=3, modified="10.0", content="aa")
DIRECTORY = files.Entry(kind="d", mode="755", owner="root:root", size=4096, modified="10.0")


def test_the_same_twice_differs_in_nothing() -> None:
    """No line, with times and without."""
    snapshot = {"/etc": DIRECTORY, "/etc/a": FILE}
    assert files.compare(snapshot, dict(snapshot), {}, times=True) == []


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (replace(FILE, mode="600"), "/a: mode 644 became 600"),
        (replace(FILE, owner="pi:pi"), "/a: owner root:root became pi:pi"),
        (replace(FILE, content="bb"), "/a: content aa became bb"),
        (replace(FILE, kind="l"), "/a: kind f became l"),
    ],
)
def test_each_attribute_that_changes_is_named(changed: files.Entry, line: str) -> None:
    """One line with what it was and what it became."""
    assert files.compare({"/a": FILE}, {"/a": changed}, {}) == [line]


def test_paths_that_come_and_go_are_named_in_order() -> None:
    """Sorted by path."""
    assert files.compare({"/b": FILE}, {"/a": FILE}, {}) == ["/a: appeared", "/b: is gone"]


def test_a_rewritten_file_of_the_same_content_shows_only_in_its_time() -> None:
    """Which is how an `up` that changes nothing is told from one that writes the same again."""
    touched = {"/a": replace(FILE, modified="11.0")}
    assert files.compare({"/a": FILE}, touched, {}) == []
    assert files.compare({"/a": FILE}, touched, {}, times=True) == [
        "/a: modified at 11.0, before at 10.0",
    ]


def test_what_is_ignored_is_ignored_with_all_below_and_nothing_beside() -> None:
    """/var/log covers /var/log/x, not /var/logs."""
    after = {"/var/log": FILE, "/var/log/x": FILE, "/var/logs": FILE}
    assert files.compare({}, after, {"/var/log": "logs"}) == ["/var/logs: appeared"]


def test_every_exception_has_its_reason() -> None:
    """Absolute paths, no reason empty, and none listed below another."""
    for path, reason in files.LEFT.items():
        assert path.startswith("/")
        assert reason
        assert not any(path.startswith(other + "/") for other in files.LEFT)


def test_the_output_of_the_real_tools_is_understood(tmp_path: Path) -> None:
    """find and sha256sum on a tree with blanks, line ends and a link."""
    (tmp_path / "a b\nc").write_text("abc")
    (tmp_path / "link").symlink_to("a b")
    where = str(tmp_path)
    listed = run(["sh", "-c", files.LIST.replace("/ /var/lib", where)])
    sums = run(["sha256sum", "--zero", f"{where}/a b\nc"])
    entries = files.parse_list(listed.stdout.decode())
    assert set(entries) == {f"{where}/a b\nc", f"{where}/link"}
    assert entries[f"{where}/link"].content == "a b"
    assert entries[f"{where}/a b\nc"].size == 3
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.parse_sums(sums.stdout.decode()) == {f"{where}/a b\nc": digest}


@pytest.mark.parametrize(
    ("said", "status"),
    [("No such file or directory", 0), ("Input/output error", 1), ("Permission denied", 1)],
)
def test_only_what_went_meanwhile_may_be_missing(said: str, status: int, tmp_path: Path) -> None:
    """A container's directory goes while find looks into it; whatever else find cannot read is an error."""
    find = tmp_path / "find"
    find.write_text(f"#!/bin/sh\nprintf 'listed'\necho \"find: '/var/lib/x': {said}\" >&2; exit 1\n")
    find.chmod(0o755)
    done = run(["env", f"PATH={tmp_path}:/usr/bin:/bin", "sh", "-c", files.LIST], check=False)
    assert (done.returncode, done.stdout) == (status, b"listed")
    assert (said.encode() in done.stderr) == bool(status)
