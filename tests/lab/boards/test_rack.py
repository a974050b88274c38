"""Boards for real, in a lab of the tests' own; takes about 20 seconds once the image is made."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest

from lab import namespace
from lab.boards import __main__ as boards
from lab.boards import commands, files, keys, plan, power, rack
from lab.shell import run, wait

pytestmark = pytest.mark.lab
LAB = plan.Lab(name="test", subnet=ipaddress.IPv4Network("10.125.0.0/24"))
FIRST, SECOND = plan.boards(LAB, ["w-1", "w-2"])


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    """Two boards, gone afterwards."""
    boards.up(LAB, [FIRST, SECOND])
    yield
    boards.down(LAB)


def ssh(board: plan.Board, *command: str) -> str:
    """What a command prints over SSH."""
    return run(namespace.inside(keys.ssh(board, *command))).stdout.decode()


def test_up_again_changes_no_board() -> None:
    """The same containers, still in the same boot."""
    before = power.boot_id(FIRST), power.boot_id(SECOND)
    boards.up(LAB, [FIRST, SECOND])
    assert (power.boot_id(FIRST), power.boot_id(SECOND)) == before


def test_a_reboot_over_ssh_is_a_new_boot_with_the_same_files() -> None:
    """The name that was given stays, and so do /etc/hosts and the host key."""
    before = power.boot_id(FIRST)
    ssh(FIRST, "sudo", "hostnamectl", "set-hostname", "w-1")
    ssh(FIRST, "sudo", "sh", "-c", "'echo 192.0.2.1 kept >>/etc/hosts'")
    files_before = files.snapshot(FIRST)
    run(namespace.inside(keys.ssh(FIRST, "sudo", "reboot")), check=False)
    wait("reboot", lambda: rack.answers(FIRST) and power.boot_id(FIRST) != before, timeout=60, next_step="-")
    assert ssh(FIRST, "hostname") == "w-1\n"
    assert files.compare(files_before, files.snapshot(FIRST), files.LIVING, times=True) == []


def test_a_board_whose_power_was_cut_answers_when_it_is_back() -> None:
    """Off means off, until it is switched on."""
    power.cut(SECOND)
    assert not rack.answers(SECOND)
    power.power_on(SECOND)
    assert ssh(SECOND, "sudo", "id", "-u") == "0\n"


def test_the_clock_synchronises_and_is_not_the_boards_to_set() -> None:
    """timesyncd reaches the lab's server; root in a board cannot touch this machine's clock."""
    conf = "/etc/systemd/timesyncd.conf.d/test.conf"
    script = f"mkdir -p {conf[:-10]}; printf '[Time]\\nNTP={LAB.gateway}\\n' >{conf}"
    assert power.root(FIRST, "timedatectl", "show", "-P", "NTPSynchronized") == "no\n"
    power.root(FIRST, "sh", "-c", f"{script}; systemctl restart systemd-timesyncd")

    def synchronised() -> bool:
        return power.root(FIRST, "timedatectl", "show", "-P", "NTPSynchronized") == "yes\n"

    wait("the clock", synchronised, timeout=60, next_step="journalctl -u systemd-timesyncd")
    refused = run(namespace.inside(keys.ssh(FIRST, "sudo", "date", "-s", "2020-01-01")), check=False)
    assert b"not permitted" in refused.stderr


def test_a_session_that_only_asks_leaves_no_trace_and_one_that_writes_is_seen() -> None:
    """Files and commands, which together prove that an `up` wrote nothing."""
    before, mark = files.snapshot(SECOND), commands.mark(SECOND)
    ssh(SECOND, "sudo", "sh", "-c", "'cat /etc/hosts; systemctl is-active ssh'")
    asked = commands.executed(SECOND, mark)
    assert "cat /etc/hosts" in [entry.line for entry in asked]
    assert commands.writers(asked) == []
    assert files.compare(before, files.snapshot(SECOND), files.LIVING, times=True) == []
    ssh(SECOND, "sudo", "sh", "-c", "'echo x >/etc/shown; chmod 600 /etc/shown'")
    written = commands.writers(commands.executed(SECOND, mark))
    assert [entry.line for entry in written] == ["chmod 600 /etc/shown"]
    assert files.compare(before, files.snapshot(SECOND), files.LIVING) == ["/etc/shown: appeared"]


def test_a_kernel_without_loadable_modules_says_what_it_has() -> None:
    """modprobe succeeds for what Kubernetes needs and fails for what there is not."""
    power.root(FIRST, "modprobe", "--all", "overlay", "br_netfilter")
    done = run(namespace.inside(keys.ssh(FIRST, "sudo", "modprobe", "no_such_module")), check=False)
    assert done.returncode
