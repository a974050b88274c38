"""Swap off and on again, with stand-ins for what the kernel and systemd do."""

from __future__ import annotations

import pytest

from providers.core.errors import HostError
from providers.system.swap import Swap, with_marks, without_marks
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site

DEVICES = "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n/swapfile file 1 0 -2\n"
SERVICE = "[Install]\n"


@pytest.fixture
def machine(local_host: LocalHost) -> LocalHost:
    """A board with a swap file, zram, and Raspberry Pi OS's service for another file."""
    local_host.stand_in("systemctl", "swapoff", "swapon")
    local_host.write("/run/swaps", DEVICES)
    local_host.run(["mount", "--bind", "/run/swaps", "/proc/swaps"])
    local_host.write("/usr/lib/systemd/system/dphys-swapfile.service", SERVICE)
    local_host.write("/etc/systemd/system/dev-zram0.swap", "[Swap]\n")
    local_host.run(["systemctl", "enable", "-q", "dphys-swapfile.service"])
    local_host.run(["systemctl", "start", "dphys-swapfile.service", "dev-zram0.swap"])
    return local_host


def test_its_whole_life(machine: LocalHost) -> None:
    """Off, on by somebody, off again, and as it was: table, units, devices and priorities."""
    damage = ["swapon -p5 /dev/sda2", "echo '/dev/sda2 none swap sw 0 0' >> /etc/fstab"]
    before = machine.read("/proc/swaps")
    text = machine.read("/etc/fstab") or ""
    converge(Swap(), machine, None, "off")
    assert machine.read("/proc/swaps") == DEVICES.splitlines(keepends=True)[0]
    assert machine.read("/etc/fstab") == with_marks(text)
    Swap().remove(site(machine), Swap().parse("off"))
    assert sorted(_rows(machine)) == sorted(_rows_of(before))
    machine.run(["sh", "-c", "cp /etc/fstab /etc/fstab.before"])
    assert _drift(machine, damage) == ["/dev/sda2", "/etc/fstab"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Swap(), machine, "off", ["/etc/systemd", "/etc/fstab", "/run/units/active"]) > 2


@pytest.mark.slow
def test_everything_is_as_before_afterwards(machine: LocalHost) -> None:
    """Nothing runs where nothing differs, and the tree is the same to the last byte."""
    places = ("/etc", "/run/units/active")
    drifted = live(Swap(), machine, "off", "off", ["swapon /swapfile"], places)
    assert drifted == ["/swapfile"]
    assert sorted(_rows(machine)) == ["/dev/zram0 100", "/swapfile -2"]


def test_units_are_masked(machine: LocalHost) -> None:
    """A service that makes swap, and a swap unit of its own, cannot start again."""
    converge(Swap(), machine, None, "off")
    for unit in ("dphys-swapfile.service", "dev-zram0.swap"):
        assert not machine.run(["systemctl", "start", unit], check=False).ok


def test_too_little_memory_is_said(machine: LocalHost) -> None:
    """swapoff's own words, and the cure."""
    machine.write("/run/memory-is-short", "")
    with pytest.raises(HostError, match=r"swap: expected off, found .*Cannot allocate memory.*free memory"):
        converge(Swap(), machine, None, "off")


def test_what_makes_swap_is_shown() -> None:
    """Each source by its name, and read back."""
    state = Swap().parse("on (/dev/zram0, /etc/fstab)")
    assert state.sources == ("/dev/zram0", "/etc/fstab")
    assert Swap().parse(Swap().render(state)) == state


@pytest.mark.parametrize(
    ("table", "marked"),
    [
        ("/swapfile none swap sw 0 0", "#helicon: /swapfile none swap sw 0 0"),
        ("UUID=1\tswap\tswap\tdefaults\n", "#helicon: UUID=1\tswap\tswap\tdefaults\n"),
        ("#/swapfile none swap sw\n", "#/swapfile none swap sw\n"),
        ("/dev/sda1 /swap ext4 defaults\n", "/dev/sda1 /swap ext4 defaults\n"),
    ],
)
def test_only_swap_lines_are_marked(table: str, marked: str) -> None:
    """And the marks come off again."""
    assert with_marks(table) == marked
    assert without_marks(marked) == table


def _drift(machine: LocalHost, damage: list[str]) -> list[str]:
    converge(Swap(), machine, None, "off")
    machine.run(["sh", "-c", "\n".join(damage)])
    return converge(Swap(), machine, "off", "off")


def _rows(machine: LocalHost) -> list[str]:
    return _rows_of(machine.read("/proc/swaps"))


def _rows_of(text: str | None) -> list[str]:
    return [" ".join(line.split()[::4]) for line in (text or "").splitlines()[1:]]
