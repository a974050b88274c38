"""What the boards' image is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.boards import image

LISTED = """\
Google deb main https://packages.example/apt
Debian main bookworm-updates http://mirror.example/debian/
Debian non-free bookworm http://mirror.example/debian/
Debian main bookworm http://mirror.example/debian/
Debian main bookworm-security http://mirror.example/debian-security/
"""


def test_the_mirror_is_the_one_that_apt_uses() -> None:
    """Neither another vendor's nor the one of security updates."""
    found = image.parse_mirror(LISTED)
    assert found == ["http://mirror.example/debian"]


def test_without_debian_in_apt_mmdebstrap_chooses() -> None:
    """A machine with another distribution."""
    assert image.parse_mirror("Ubuntu main noble http://mirror.example/ubuntu/\n") == []


def test_a_changed_source_makes_another_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file beside the boot program counts."""
    for path in image.SOURCES.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    same = image.digest(image.System())
    monkeypatch.setattr(image, "SOURCES", tmp_path)
    assert image.digest(image.System()) == same
    (tmp_path / "boot").write_text("#!/bin/sh\n")
    assert image.digest(image.System()) != same
