"""Families told apart by what the machines say."""

from __future__ import annotations

import pytest

from providers.facts.family import FAMILIES, QUESTION, family, parse
from tests.local_host import LocalHost

PI, ARMBIAN = "have /etc/rpi-issue\n", "have /etc/armbian-release\n"


@pytest.mark.parametrize(
    ("says", "name"),
    [
        (
            'PRETTY_NAME="Raspbian GNU/Linux 11"\nID=raspbian\nID_LIKE=debian\nVERSION_ID="11"\n',
            "Raspberry Pi OS, to",
        ),
        (f'ID=debian\nVERSION_ID="10"\n{PI}', "Raspberry Pi OS, to Bullseye"),
        (f'ID=debian\nVERSION_ID="12"\n{PI}', "Raspberry Pi OS Bookworm"),
        (f'ID=debian\nVERSION_ID="13"\n{PI}', "Raspberry Pi OS, from Trixie"),
        (f"ID=debian\nVERSION_CODENAME=forky\n{PI}", "Raspberry Pi OS, from Trixie"),
        ('ID=debian\nVERSION_ID="12"\n', "Debian"),
        ("ID=debian\nVERSION_CODENAME=sid\n", "Debian"),
        ('ID=devuan\nID_LIKE=debian\nVERSION_ID="5"\n', "Debian"),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', "Ubuntu"),
        (f'ID=debian\nVERSION_ID="13"\n{ARMBIAN}', "Armbian"),
        (f'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n{ARMBIAN}', "Armbian"),
        ('NAME="VMware Photon OS"\nID=photon\nVERSION_ID=5.0\n', "VMware Photon OS"),
    ],
)
def test_each_is_recognised(says: str, name: str) -> None:
    """By os-release(5) and by the files that only it has."""
    found = family(parse(says))
    assert found is not None and found.name.startswith(name)


@pytest.mark.parametrize("says", ["", "ID=alpine\nVERSION_ID=3.22\n"])
def test_others_are_of_no_family(says: str) -> None:
    """Nothing is guessed."""
    assert family(parse(says)) is None


def test_the_question_is_answered_by_a_machine(local_host: LocalHost) -> None:
    """A Debian that gets the mark of Armbian."""
    local_host.write("/etc/os-release", 'ID=debian\nVERSION_ID="13"\n')
    local_host.write("/etc/armbian-release", "")
    (answer,) = local_host.ask([QUESTION])
    system = parse(answer.text)
    assert (system.id, system.version, system.marks) == ("debian", 13, frozenset({"/etc/armbian-release"}))


def test_names_are_unique() -> None:
    """An error names one family."""
    assert len({one.name for one in FAMILIES}) == len(FAMILIES)
