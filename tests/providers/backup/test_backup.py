"""The backup script as the timer runs it, with the real shell, and the thing's whole life."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.backup import backup_files
from providers.backup.backup import Backup
from providers.backup.backup_credentials import BackupCredentials, curl_config
from providers.backup.backup_script import SCRIPT_PATH
from providers.core.options import complete
from providers.core.thing import Json
from tests.local_host import LocalHost
from tests.providers.backup.members import DATABASE, stand_in
from tests.providers.life import converge, cut_anywhere, live, site

PLACES = ("/etc", "/usr/local/sbin", "/run/units/active")
FIRST: Json = {"keep": 3, "copy_directory": "/mnt/nas/etcd"}
SECOND: Json = {
    "schedule": "hourly",
    "directory": "/srv/etcd backups",
    "s3": {"endpoint": "https://s3.example.test"},
}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)


@pytest.fixture
def member(local_host: LocalHost) -> LocalHost:
    """A machine with an etcd member and backups of which three are kept."""
    stand_in(local_host)
    local_host.run(["hostname", "cp-1"])
    converge(Backup(), local_host, None, {"keep": 3})
    return local_host


def prepare(host: LocalHost) -> None:
    """Stand-ins, and the directories that `systemctl` leaves."""
    host.stand_in("systemctl")
    host.run(["mkdir", "-p", "/etc/systemd/system/multi-user.target.wants", "/run/units/active"])


def back_up(host: LocalHost, *, check: bool = True) -> str:
    """Run the script; what it complained about."""
    return host.run(["sh", SCRIPT_PATH], check=check).stderr.decode()


def listed(host: LocalHost, directory: str = "/var/backups/etcd") -> list[str]:
    """The snapshots in a directory, oldest first."""
    return host.run(["sh", "-c", 'cd "$1" && ls -1A', "list", directory]).text.split()


def age(host: LocalHost, directory: str, *stamps: str) -> None:
    """Snapshots of other times, as if they had been taken then."""
    for stamp in stamps:
        host.write(f"{directory}/etcd-cp-1-{stamp}.db", stamp)
        host.write(f"{directory}/etcd-cp-1-{stamp}.db.sha256", "sum")


def test_its_whole_life(local_host: LocalHost) -> None:
    """Created, repeated, damaged, mended, updated, removed twice, and all as it was."""
    prepare(local_host)
    damage = [
        "sed -i s/KEEP=3/KEEP=1/ /etc/helicon/etcd-backup.conf",
        "sed -i s/OnCalendar=.*/OnCalendar=yearly/ /etc/systemd/system/helicon-etcd-backup.timer",
        f"echo true >> {SCRIPT_PATH}",
        "systemctl stop helicon-etcd-backup.timer",
    ]
    drifted = live(Backup(), local_host, FIRST, SECOND, damage, PLACES)
    assert drifted == ["keep", "schedule", "active", "content"]


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(local_host: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    prepare(local_host)
    assert cut_anywhere(Backup(), local_host, FIRST, PLACES) > 5


def test_the_keys_live_where_only_root_reads(local_host: LocalHost) -> None:
    """Mode 0600, mended when it is opened up, and gone with the thing; never an argument."""
    wanted: Json = {"curl": curl_config("AKIA", 's3"cr\\t')}
    drifted = live(
        BackupCredentials(), local_host, wanted, wanted, ["chmod 644 /etc/helicon/etcd-backup.s3"], ("/etc",)
    )
    assert drifted == ["keys"]
    assert not [argv for argv in local_host.ran if "AKIA" in " ".join(argv)]


def test_removal_says_that_the_snapshots_stay(member: LocalHost) -> None:
    """They are the user's."""
    back_up(member)
    Backup().remove(site(member), Backup().parse({"keep": 3}))
    assert len(listed(member)) == 2


@pytest.mark.parametrize("given_options", [FIRST, SECOND])
def test_systemd_understands_the_units(given_options: dict[str, Json], tmp_path: Path) -> None:
    """As systemd-analyze verify says."""
    analyze = shutil.which("systemd-analyze")
    assert analyze, "this test needs systemd-analyze (package systemd)"
    timer, service = tmp_path / "helicon-etcd-backup.timer", tmp_path / "helicon-etcd-backup.service"
    timer.write_text(backup_files.timer(complete(backup_files.DEFAULTS, given_options)))
    service.write_text(backup_files.SERVICE.replace(SCRIPT_PATH, "/bin/true"))
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(timer), str(service)], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if str(tmp_path) in line]) == (0, [])


@given(directory=TEXT, copies=TEXT, keep=st.integers(1, 1000))
def test_what_is_written_is_read_back(directory: str, copies: str, keep: int) -> None:
    """Quotes, spaces and dollars of a path included."""
    options = complete(
        backup_files.DEFAULTS,
        {"directory": f"/a {directory}", "copy_directory": f"/$b'{copies}", "keep": keep},
    )
    assert backup_files.parse(backup_files.conf(options), backup_files.timer(options)) == options


def test_a_snapshot_has_its_sum_beside_it(member: LocalHost) -> None:
    """Readable by root only, and `sha256sum -c` accepts it."""
    back_up(member)
    snapshot, beside = listed(member)
    assert beside == f"{snapshot}.sha256"
    assert member.read(f"/var/backups/etcd/{snapshot}") == "first\n"
    member.run(["sh", "-c", "cd /var/backups/etcd && sha256sum -c *.sha256"])
    assert member.run(["stat", "-c", "%a", f"/var/backups/etcd/{snapshot}"]).text == "600"


def test_only_so_many_are_kept(member: LocalHost) -> None:
    """The oldest go with their sums; what others keep there stays."""
    age(member, "/var/backups/etcd", "20250101T000000Z", "20250102T000000Z", "20250103T000000Z")
    member.write("/var/backups/etcd/etcd-cp-10-20200101T000000Z.db", "of another")
    back_up(member)
    stamps = [name for name in listed(member) if name.startswith("etcd-cp-1-")]
    assert len(stamps) == 6
    assert not [name for name in stamps if "20250101" in name]
    assert "etcd-cp-10-20200101T000000Z.db" in listed(member)


def test_a_clock_that_was_reset_never_costs_the_newest(member: LocalHost) -> None:
    """A board without a clock may believe that it is long ago."""
    age(member, "/var/backups/etcd", "20990101T000000Z", "20990102T000000Z", "20990103T000000Z")
    back_up(member)
    kept = [name for name in listed(member) if name.endswith(".db")]
    assert len(kept) == 3
    assert not kept[0].startswith("etcd-cp-1-2099")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("touch /run/no-snapshot", "no snapshot was taken"),
        (f"echo damaged > {DATABASE}", "the snapshot is damaged"),
        ("rm /etc/kubernetes/manifests/etcd.yaml", "no etcd member"),
        (
            "sed -i s/name=cp-1/name=cp-2/ /etc/kubernetes/manifests/etcd.yaml",
            "no etcd process of member cp-2",
        ),
    ],
)
def test_a_failure_costs_no_snapshot(member: LocalHost, damage: str, said: str) -> None:
    """Nothing is rotated unless a new one is whole."""
    age(member, "/var/backups/etcd", *(f"2025010{day}T000000Z" for day in range(1, 6)))
    before = listed(member)
    member.run(["sh", "-c", damage])
    assert said in back_up(member, check=False)
    assert [name for name in listed(member) if not name.startswith(".new")] == before


def test_a_full_disk_is_left_some_room(member: LocalHost) -> None:
    """etcd itself would stop."""
    member.run(
        ["sh", "-c", "mkdir -p /var/backups/etcd && mount -t tmpfs -o size=1m tmpfs /var/backups/etcd"]
    )
    assert "are free in /var/backups/etcd" in back_up(member, check=False)
    assert listed(member) == []


def test_two_at_once_take_turns(member: LocalHost) -> None:
    """The second waits for the first."""
    hold = "exec 9> /run/lock/helicon-etcd-backup; flock 9"
    script = f"{hold}; sh {SCRIPT_PATH} > /dev/null 2>&1 9>&- & sleep 1; ls -A /var/backups"
    assert "etcd" not in member.run(["sh", "-c", script]).text


def test_copies_go_to_what_is_mounted(member: LocalHost) -> None:
    """All that are missing there, each machine in a directory of its own; as many are kept."""
    converge(Backup(), member, {"keep": 3}, FIRST)
    age(member, "/var/backups/etcd", "20250101T000000Z")
    text = "20250101T000000Z"
    digest = hashlib.sha256(text.encode()).hexdigest()
    member.write(f"/var/backups/etcd/etcd-cp-1-{text}.db.sha256", f"{digest}  x\n")
    member.run(["sh", "-c", "mkdir -p /mnt/nas && mount -t tmpfs tmpfs /mnt/nas"])
    back_up(member)
    assert listed(member, "/mnt/nas/etcd/cp-1") == listed(member)
    assert len(listed(member)) == 4


def test_nothing_is_copied_where_nothing_is_mounted(member: LocalHost) -> None:
    """It would fill the card, and be no copy; the snapshot itself is kept, and the unit fails."""
    converge(Backup(), member, {"keep": 3}, FIRST)
    assert "nothing is mounted there" in back_up(member, check=False)
    assert member.run(["sh", SCRIPT_PATH], check=False).exit_status == 1
    assert listed(member)
    assert not member.run(["test", "-e", "/mnt/nas"], check=False).ok
