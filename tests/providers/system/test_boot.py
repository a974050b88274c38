"""Boot parameters with the real shell; what a start does is stood in for, from the file that each family reads."""

from __future__ import annotations

import pytest

from providers.core.errors import HostError
from providers.core.thing import Json
from providers.facts.command_line import DROP_IN
from providers.system import restart
from providers.system.boot import Boot, memory_on
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site

pytestmark = pytest.mark.slow

PLACES = ("/boot", "/etc/default")
PI, GRUB, CFG = "/boot/firmware/cmdline.txt", "/etc/default/grub", "/boot/grub/grub.cfg"
MEMORY: Json = {"memory_cgroup": "on", "reboot": True}
FIRST: Json = {"words": {"audit=0": "present", "quiet": "absent"}, "reboot": True}
SECOND: Json = {"words": {"audit=0": "present", "splash": "absent"}, "reboot": True}
RELEASE = {
    "pi": ("debian", "/etc/rpi-issue"),
    "armbian": ("debian", "/etc/armbian-release"),
    "photon": ("photon", "/etc/photon-release"),
    "grub": ("debian", "/etc/debian_version"),
}
FILES = {
    "pi": {PI: "root=/dev/mmcblk0p2 ro quiet splash\n"},
    "armbian": {"/boot/armbianEnv.txt": "verbosity=1\nextraargs=ro quiet splash\nrootdev=UUID=1"},
    "photon": {"/boot/photon.cfg": "# GRUB Environment Block\nphoton_cmdline=ro quiet splash\n"},
    "grub": {
        GRUB: 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\nGRUB_CMDLINE_LINUX=""\n',
        CFG: "menuentry 'Debian' {\n  linux /vmlinuz ro quiet splash\n}\n",
    },
}
FIRMWARE = {
    "pi": f"echo cgroup_disable=memory $(head -n 1 {PI})",
    "armbian": "sed -n 's/^extraargs=//p' /boot/armbianEnv.txt",
    "photon": "sed -n 's/^photon_cmdline=//p' /boot/photon.cfg",
    "grub": f"echo BOOT_IMAGE=/vmlinuz $(sed -n 's,.*linux /vmlinuz,,p' {CFG} | head -n 1)",
}
"""What the boot loader hands to the kernel."""
FAMILIES = pytest.mark.parametrize("family", sorted(FILES))


@pytest.fixture
def machine(local_host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> LocalHost:
    """A board whose command line, start and memory controller are its own."""
    monkeypatch.setattr(restart, "POLL", 0.05)
    local_host.stand_in("systemctl", "reboot", "update-grub", "grub-mkconfig")
    local_host.write("/usr/local/sbin/sleep", "#!/bin/sh\n", "0755")
    for source, place in (
        ("cmdline", "/proc/cmdline"),
        ("boot_id", restart.BOOT_ID),
        ("cgroups", "/proc/cgroups"),
    ):
        local_host.write(f"/run/{source}", "")
        local_host.run(["mount", "--bind", f"/run/{source}", place])
    return local_host


def dressed(machine: LocalHost, family: str) -> LocalHost:
    """The board as one of a family, just started."""
    name, mark = RELEASE[family]
    machine.run(
        ["sh", "-c", "rm -rf /boot/* /etc/default/grub* /etc/rpi-issue /etc/armbian-release /etc/os-release"]
    )
    machine.write("/etc/os-release", f'ID={name}\nVERSION_ID="12"\n')
    machine.write(mark, "")
    for path, text in FILES[family].items():
        machine.write(path, text)
    machine.write("/run/firmware", FIRMWARE[family])
    machine.run(["reboot"])
    return machine


@FAMILIES
def test_its_whole_life(machine: LocalHost, family: str) -> None:
    """Words go in and out of each family's file, come back when they were lost, and leave no trace."""
    path = DROP_IN if family == "grub" else next(iter(FILES[family]))
    damage = [f"sed -i 's/ *audit=0//' {path}", "update-grub" if family == "grub" else ":"]
    assert live(Boot(), dressed(machine, family), FIRST, SECOND, damage, PLACES) == ["audit=0"]


@FAMILIES
def test_it_survives_being_killed_anywhere(machine: LocalHost, family: str) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Boot(), dressed(machine, family), FIRST, PLACES) > 3


@FAMILIES
def test_one_restart_brings_all_words(machine: LocalHost, family: str) -> None:
    """The kernel that runs afterwards has them; the next run restarts nothing."""
    host = dressed(machine, family)
    assert converge(Boot(), host, None, FIRST) == ["audit=0", "quiet"]
    first = host.read(restart.BOOT_ID)
    running = (host.read("/proc/cmdline") or "").split()
    assert "audit=0" in running and "quiet" not in running and "splash" in running
    assert converge(Boot(), host, FIRST, FIRST) == []
    assert host.read(restart.BOOT_ID) == first


@FAMILIES
def test_the_memory_controller_is_turned_on_once(machine: LocalHost, family: str) -> None:
    """Where it is off; it stays on when the words are given back, until somebody restarts the machine."""
    host = dressed(machine, family)
    before = host.tree(*PLACES)
    assert converge(Boot(), host, None, MEMORY) == ["memory_cgroup"]
    assert memory_on(host.read("/proc/cgroups") or "")
    assert converge(Boot(), host, MEMORY, MEMORY) == []
    started = host.read(restart.BOOT_ID)
    Boot().remove(site(host), Boot().parse(MEMORY))
    assert host.tree(*PLACES) == before
    assert host.read(restart.BOOT_ID) == started
    assert memory_on(host.read("/proc/cgroups") or "")


def test_a_machine_whose_controller_is_on_is_left_alone(machine: LocalHost) -> None:
    """Not even asked to change."""
    host = dressed(machine, "pi")
    host.write("/run/firmware", "echo root=/dev/sda1 cgroup_enable=memory")
    host.run(["reboot"])
    count = len(host.ran)
    assert converge(Boot(), host, None, MEMORY) == []
    assert len(host.ran) == count


def test_words_of_others_stay(machine: LocalHost) -> None:
    """What somebody else wrote meanwhile, in the same line, survives the removal."""
    host = dressed(machine, "pi")
    converge(Boot(), host, None, FIRST)
    host.run(["sed", "-i", "s/$/ mine=1/; s/splash/nosplash/", PI])
    Boot().remove(site(host), Boot().parse(FIRST))
    assert host.read(PI) == "root=/dev/mmcblk0p2 ro quiet nosplash mine=1\n"


def test_a_restart_that_does_not_help_is_not_repeated(machine: LocalHost) -> None:
    """The machine starts from another file: an error each time, one restart in all."""
    host = dressed(machine, "pi")
    host.write("/run/firmware", "echo root=/dev/sda1 quiet")
    host.run(["reboot"])
    wanted: Json = {"words": {"audit=0": "present"}, "reboot": True}
    with pytest.raises(HostError, match=f"audit=0: expected what {PI} says, after a restart"):
        converge(Boot(), host, None, wanted)
    started = host.read(restart.BOOT_ID)
    with pytest.raises(HostError, match="see which file the machine starts from"):
        converge(Boot(), host, wanted, wanted)
    assert host.read(restart.BOOT_ID) == started
    host.write("/run/firmware", FIRMWARE["pi"])
    host.run(["reboot"])
    assert converge(Boot(), host, wanted, wanted) == []


def test_restarts_may_be_ruled_out(machine: LocalHost) -> None:
    """The file is written; the running kernel goes on as it is."""
    host = dressed(machine, "grub")
    started = host.read(restart.BOOT_ID)
    converge(Boot(), host, None, {"words": {"audit=0": "present"}, "reboot": False})
    assert "audit=0" in (host.read(CFG) or "")
    assert host.read(restart.BOOT_ID) == started


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("cpuset cpu io memory pids", True),
        ("cpuset cpu io pids", False),
        ("", False),
        ("#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t4\t1\t1\nmemory\t9\t45\t1\n", True),
        ("#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t45\t0\npids\t3\t1\t1\n", False),
    ],
)
def test_both_versions_of_cgroups_are_understood(text: str, on: bool) -> None:
    """A list of controllers, or the kernel's table."""
    assert memory_on(text) is on
