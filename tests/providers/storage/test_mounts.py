"""File systems mounted for real, from loop devices of the kernel, with the table of a throwaway machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.core.errors import HostError, Refused
from providers.core.thing import Json
from providers.storage.mounts import Mounts
from providers.storage.table import Line, line_at, parse_mounted, with_lines, without_lines
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site
from tests.providers.storage.disks import disk, uuid

PLACES = ("/etc/fstab", "/srv", "/data")
TABLE = "/dev/mmcblk0p2 / ext4 defaults 0 1\n"


@pytest.fixture
def machine(local_host: LocalHost) -> LocalHost:
    """A board whose systemd is stood in for."""
    local_host.stand_in("systemctl")
    return local_host


@pytest.fixture
def device(machine: LocalHost) -> Iterator[str]:
    """A disk of the board."""
    with disk(machine, "one") as device:
        yield device


def entry(source: str, options: str = "defaults,noatime,nofail") -> dict[str, Json]:
    """What the configuration says of one mount."""
    return {"source": source, "type": "ext4", "options": options, "pass": 2}


def mounted(host: LocalHost, point: str) -> str:
    """The device and the flags at a point; "" where nothing is mounted."""
    return host.run(["findmnt", "-nro", "SOURCE,OPTIONS", "-M", point], check=False).text


def test_its_whole_life(machine: LocalHost, device: str) -> None:
    """Mounted by UUID and by label, unmounted and remounted by somebody, mended, and as it was."""
    wanted: Json = {"/srv/data": entry(f"UUID={uuid(machine, device)}")}
    other: Json = {"/srv/data": entry("LABEL=one", "defaults,nodev")}
    damage = ["umount /srv/data", "sed -i s/noatime/relatime/ /etc/fstab"]
    drifted = live(Mounts(), machine, wanted, other, damage, PLACES)
    assert drifted == ["/srv/data options", "/srv/data mounted"]


def test_it_is_mounted_as_the_entry_says(machine: LocalHost, device: str) -> None:
    """Device and flags are the kernel's own, and the table has one line more."""
    source = f"UUID={uuid(machine, device)}"
    table = machine.read("/etc/fstab") or ""
    converge(Mounts(), machine, None, {"/srv/data": entry(source)})
    assert mounted(machine, "/srv/data") == f"{device} rw,noatime"
    line = f"{source} /srv/data ext4 defaults,noatime,nofail,x-helicon 0 2\n"
    assert machine.read("/etc/fstab") == table + line
    machine.run(["umount", "/srv/data"])
    machine.run(["mount", "/srv/data"])
    assert mounted(machine, "/srv/data") == f"{device} rw,noatime"


@pytest.mark.parametrize(
    ("damage", "field", "was"),
    [
        ("umount /srv/data", "/srv/data mounted", "no"),
        ("mount -o remount,ro /srv/data", "/srv/data mounted", "read-only"),
        ("mount -o remount,relatime LABEL=one /srv/data", "/srv/data mounted", "without noatime"),
        ("sed -i 's/ 0 2$/ 0 0/' /etc/fstab", "/srv/data pass", 0),
        ("sed -i '/srv/d' /etc/fstab", "/srv/data", None),
        ("sed -i 's/^LABEL=one/LABEL=two/' /etc/fstab", "/srv/data source", "LABEL=two"),
    ],
)
def test_every_drift_is_named_and_mended(
    machine: LocalHost, device: str, damage: str, field: str, was: object
) -> None:
    """Of the table and of the mount."""
    wanted: Json = {"/srv/data": entry("LABEL=one")}
    converge(Mounts(), machine, None, wanted)
    machine.run(["sh", "-c", damage])
    state = Mounts().parse(wanted)
    (change,) = Mounts().plan(Mounts().observe(site(machine), state), state)
    assert (change.field, change.was) == (field, was)
    assert converge(Mounts(), machine, wanted, wanted) == [field]
    assert mounted(machine, "/srv/data") == f"{device} rw,noatime"


def test_another_disk_takes_the_place(machine: LocalHost, device: str) -> None:
    """The old one is unmounted first; in use, it stays, and who uses it is named."""
    with disk(machine, "two") as other:
        converge(Mounts(), machine, None, {"/srv/data": entry("LABEL=one")})
        machine.run(["sh", "-c", "cd /srv/data && exec sleep 60 >/dev/null 2>&1 & sleep 0.2"])
        with pytest.raises(Refused, match=r"mounts /srv/data: .* nothing uses it, found sleep \(process"):
            converge(Mounts(), machine, None, {"/srv/data": entry(other)})
        assert mounted(machine, "/srv/data") == f"{device} rw,noatime"
        machine.run(["sh", "-c", "kill $(pidof sleep)"])
        converge(Mounts(), machine, None, {"/srv/data": entry(other)})
        assert mounted(machine, "/srv/data") == f"{other} rw,noatime"
        Mounts().remove(site(machine), Mounts().parse({"/srv/data": entry(other)}))


def test_what_was_mounted_before_is_mounted_again(machine: LocalHost, device: str) -> None:
    """Another's entry is marked out and comes back, with its mount."""
    with disk(machine, "two") as other:
        machine.run(
            ["sh", "-c", f"mkdir /data; echo '{other} /data ext4 nosuid 0 0' >> /etc/fstab; mount /data"]
        )
        before, shown = machine.tree(*PLACES), mounted(machine, "/data")
        wanted: Json = {"/data": entry("LABEL=one")}
        converge(Mounts(), machine, None, wanted)
        assert mounted(machine, "/data") == f"{device} rw,noatime"
        Mounts().remove(site(machine), Mounts().parse(wanted))
        assert (machine.tree(*PLACES), mounted(machine, "/data")) == (before, shown)
        machine.run(["umount", "/data"])


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(machine: LocalHost, device: str) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    wanted: Json = {"/srv/data": entry("LABEL=one"), "/srv/data/tmp": {"source": "tmpfs", "type": "tmpfs"}}
    assert cut_anywhere(Mounts(), machine, wanted, PLACES) > 4


def test_a_device_that_is_not_there_is_said_with_those_that_are(machine: LocalHost, device: str) -> None:
    """Nothing is written, and nothing formatted."""
    before = machine.tree(*PLACES)
    with pytest.raises(HostError, match=f"expected a device UUID=0-0, found none such.*{device}: LABEL=.one"):
        converge(Mounts(), machine, None, {"/srv/data": entry("UUID=0-0")})
    assert machine.tree(*PLACES) == before


def test_a_device_without_a_file_system_is_left_as_it_is(machine: LocalHost) -> None:
    """mount(8)'s own words; no file system is made."""
    machine.run(["truncate", "-s", "1M", "/tmp/raw"])
    device = machine.run(["losetup", "-f", "--show", "/tmp/raw"]).text
    try:
        with pytest.raises(HostError, match=r"mounts /srv/data: .*wrong fs type"):
            converge(Mounts(), machine, None, {"/srv/data": entry(device)})
        assert machine.run(["sh", "-c", "tr -d '\\0' < /tmp/raw | wc -c"]).text == "0"
    finally:
        machine.run(["losetup", "-d", device])


def test_files_are_never_hidden(machine: LocalHost, device: str) -> None:
    """A mount point with files in it is refused."""
    machine.write("/srv/data/file", "mine\n")
    with pytest.raises(Refused, match=r"expected an empty directory, found files.*ls -A /srv/data"):
        converge(Mounts(), machine, None, {"/srv/data": entry(device)})
    assert machine.read("/srv/data/file") == "mine\n"


@pytest.mark.parametrize("table", ["", TABLE, TABLE.rstrip(), f"# a comment\n\n{TABLE}/dev/sda1 /a ext4\n"])
def test_the_table_comes_back_to_the_last_byte(table: str) -> None:
    """With or without a last line's end, and with others' entries for our points."""
    ours = {
        "/": Line(source="LABEL=x", type="ext4", options="ro"),
        "/a": Line(source="b", type="c", options="d"),
    }
    changed = with_lines(table, ours)
    assert {point: line_at(changed, point) for point in ours} == ours
    assert with_lines(changed, ours) == changed
    assert without_lines(changed, ours) == table


def test_mountinfo_is_read() -> None:
    """Optional fields, escaped spaces, and read-only by the super block; the topmost mount counts."""
    text = (
        "36 35 98:0 / /mnt/a\\040b rw,noatime master:1 shared:2 - ext3 /dev/root ro,errors=continue\n"
        "37 35 0:44 / /srv rw - tmpfs tmpfs rw\n38 35 0:45 /x /srv rw - nfs4 nas.example.test:/x rw\n"
    )
    found = parse_mounted(text)
    assert found["/mnt/a b"].options == ("rw", "noatime", "ro")
    assert (found["/srv"].source, found["/srv"].root, found["/srv"].device) == (
        "nas.example.test:/x",
        "/x",
        "0:45",
    )
