"""Kernel modules; /sys/module is the throwaway machine's own."""

from __future__ import annotations

import pytest

from providers.core.errors import HostError
from providers.system.modules import Modules, parse
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site


@pytest.fixture
def machine(local_host: LocalHost) -> LocalHost:
    """A kernel with one module loaded, two that can be, and two that are built in."""
    local_host.stand_in("modprobe")
    local_host.run(["mount", "-t", "tmpfs", "tmpfs", "/sys"])
    local_host.run(["mkdir", "-p", "/sys/module/loaded_one", "/etc/modules-load.d"])
    local_host.write("/run/loadable/one", "")
    local_host.write("/run/loadable/two", "")
    kernel = local_host.run(["uname", "-r"]).text
    local_host.write(f"/lib/modules/{kernel}/modules.builtin", "kernel/net/built-in_one.ko\n")
    return local_host


def test_its_whole_life(machine: LocalHost) -> None:
    """Loaded, mended, one given up, all unloaded that were not loaded before."""
    damage = ["rmdir /sys/module/one", "sed -i /two/d /etc/modules-load.d/helicon.conf"]
    drifted = live(Modules(), machine, ["one", "two", "loaded-one"], ["two"], damage, ["/etc", "/sys/module"])
    assert drifted == ["one", "two"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Modules(), machine, ["one", "loaded-one"], ["/etc/modules-load.d", "/sys/module"]) > 2


@pytest.mark.parametrize("name", ["built-in-one", "built_in_one", "proc"])
def test_what_is_built_in_counts_as_loaded(machine: LocalHost, name: str) -> None:
    """By the kernel's list, or by the file system that it brings."""
    assert converge(Modules(), machine, None, [name]) == [name]
    assert machine.read("/etc/modules-load.d/helicon.conf") == f"{name}\n"


def test_a_module_that_the_kernel_lacks_is_named(machine: LocalHost) -> None:
    """With modprobe's words."""
    with pytest.raises(
        HostError, match=r"cp-1.*kernel module wireguard.*expected loadable.*not found.*modinfo"
    ):
        converge(Modules(), machine, None, ["wireguard"])


def test_a_module_in_use_stays(machine: LocalHost) -> None:
    """Removing never fails for it."""
    converge(Modules(), machine, None, ["one", "two"])
    machine.write("/sys/module/two/in-use", "")
    Modules().remove(site(machine), Modules().parse(["one", "two"]))
    assert not machine.run(["test", "-e", "/sys/module/one"], check=False).ok
    assert machine.run(["test", "-e", "/sys/module/two"], check=False).ok


def test_what_is_amiss_is_told_apart() -> None:
    """Not loaded now, or not at the next start."""
    state = Modules().parse(
        ["a", "b (not loaded)", "c (not loaded at start)", "d (not loaded and not loaded at start)"]
    )
    assert Modules().parse(Modules().render(state)) == state
    assert [change.field for change in Modules().plan(state, Modules().parse(["a", "b", "c", "d"]))] == [
        "b",
        "c",
        "d",
    ]


def test_comments_are_no_modules() -> None:
    """As modules-load.d(5) has it."""
    assert parse("# one\n; two\n\n three \n") == ["three"]
