"""What a machine's answer means."""

from __future__ import annotations

import pytest

from providers.facts.machine import Disk, Facts, Swap, parse
from providers.facts.script import MODULES, question
from tests.local_host import LocalHost
from tests.providers.facts.answers import PI_4, answer


def facts(**lines: str | None) -> Facts:
    """The Pi 4 with some lines said otherwise."""
    found = parse(answer(**lines))
    assert found is not None
    return found


def test_a_board_is_read_in_full() -> None:
    """Every line of a Pi's answer has its place."""
    found = parse(PI_4)
    assert found is not None
    assert (found.architecture, found.kernel_architecture, found.page_size) == ("arm64", "arm64", 4096)
    assert found.swaps == (Swap(name="/dev/zram0", size=2097136, used=0),)
    assert found.swap_makers == ("/etc/rpi/swap.conf",)
    assert (found.cgroup, found.memory_controller) == (2, True)
    assert found.modules["vxlan"] == "loadable"
    assert found.disks["/var/lib/etcd"] == Disk(size=30503488, free=26214400)
    assert found.addresses == ("127.0.0.1", "10.0.0.11")
    assert found.listening == {22: "sshd"}
    assert found.resolves is True
    assert not (found.managed or found.member or found.container or found.under_voltage)


def test_an_answer_that_was_cut_short_is_none() -> None:
    """Half of the facts are no facts."""
    assert parse(PI_4.removesuffix("end\n")) is None
    assert parse("") is None


@pytest.mark.parametrize(
    ("machine", "userland", "expected"),
    [
        ("aarch64", "arm64", "arm64"),
        ("aarch64", "armhf", "armhf"),
        ("aarch64", "64", "arm64"),
        ("aarch64", "32", "armhf"),
        ("armv7l", "armhf", "armhf"),
        ("armv6l", "armhf", "armv6"),
        ("x86_64", "amd64", "amd64"),
        ("x86_64", None, "amd64"),
    ],
)
def test_the_userland_counts(machine: str, userland: str | None, expected: str) -> None:
    """Not the kernel; without dpkg, the width of a C long says which."""
    assert facts(machine=machine, userland=userland).architecture == expected


@pytest.mark.parametrize(
    ("throttled", "alarm", "expected"),
    [
        ("throttled=0x0", "0", ""),
        ("throttled=0x50005", "0", "now"),
        ("throttled=0x50000", "0", "since the last start"),
        (None, "1", "now"),
        (None, None, ""),
        ("error=1 VCHI initialization failed", None, ""),
    ],
)
def test_under_voltage_by_firmware_or_kernel(throttled: str | None, alarm: str | None, expected: str) -> None:
    """vcgencmd knows of the past, the kernel's sensor of now."""
    assert facts(throttled=throttled, under_voltage=alarm).under_voltage == expected


def test_the_time_of_a_write_is_dd_s_time_over_its_writes() -> None:
    """Also where dd writes powers of ten; what it says of an error is no time."""
    assert facts(fsync="64 147200 bytes (147 kB, 144 KiB) copied, 0.64 s, 230 kB/s").fsync == 10.0
    assert facts(fsync="64 147200 bytes (147 kB, 144 KiB) copied, 6.4e-05 s, 2.3 GB/s").fsync == 0.001
    assert facts(fsync="64 dd: failed to open: No space left on device").fsync is None
    assert facts().fsync is None


def test_a_real_machine_answers(local_host: LocalHost) -> None:
    """The script runs in a real shell, in one round trip, and leaves no file."""
    places = ("/etc", "/var/lib", "/tmp", "/run")
    before = local_host.tree(*places)
    (done,) = local_host.ask([question()])
    found = parse(done.text)
    assert found is not None, done.stderr.decode()
    assert done.stderr == b""
    assert found.memory > 0 and found.kernel and found.os and found.page_size and found.now
    assert set(found.modules) == set(MODULES)
    assert set(found.disks) == {"/", "/var/lib/containerd", "/var/lib/etcd"}
    assert found.swap_makers == ("/etc/fstab",)
    assert found.fsync is None and found.resolves is None
    assert local_host.tree(*places) == before


def test_a_disk_is_measured_only_when_asked_and_never_twice(local_host: LocalHost) -> None:
    """The file is gone afterwards; a machine that was prepared is not measured."""
    before = local_host.tree("/var/lib")
    (done,) = local_host.ask([question(measure=True)])
    found = parse(done.text)
    assert found is not None and found.fsync is not None and found.fsync > 0
    assert [line for line in local_host.tree("/var/lib") if "fsync" in line] == []
    assert [line.split("  ")[-1] for line in before] == [
        line.split("  ")[-1] for line in local_host.tree("/var/lib")
    ]
    local_host.write("/var/lib/helicon/journal/x", "")
    (again,) = local_host.ask([question(measure=True)])
    prepared = parse(again.text)
    assert prepared is not None and prepared.fsync is None and prepared.managed
