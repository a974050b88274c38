"""Several files looked at in one question, by the shell of this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from providers.core.files_on_host import DIRECTORY, look, parse


def test_each_path_has_its_answer(tmp_path: Path) -> None:
    """In the order of the question, whatever is absent, and whatever a name looks like."""
    names = ["absent", "a b", "-dash", "gone", "*", "dangling", "directory", "link", "away"]
    (tmp_path / "a b").write_text("blank\n")
    (tmp_path / "-dash").write_text("dash")
    (tmp_path / "*").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a b")
    for name, mode in (("a b", 0o644), ("-dash", 0o600), ("*", 0o644)):
        (tmp_path / name).chmod(mode)
    asked = look([str(tmp_path / name) for name in names])
    found = parse(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    shown = [one and (one.content, one.mode) for one in found]
    assert shown[1:5] == [("blank\n", "0644"), ("dash", "0600"), None, ("", "0644")]
    assert [shown[0], shown[5], shown[8]] == [None, None, None]
    assert found[6] and found[6].content == DIRECTORY
    assert found[7] == found[1]


def test_nothing_there_is_an_answer_for_each(tmp_path: Path) -> None:
    """stat says nothing at all then."""
    asked = look([str(tmp_path / "a"), str(tmp_path / "b")])
    assert parse(subprocess.run(asked, capture_output=True, text=True, check=True).stdout) == [None, None]
