"""Directories moved for real to another file system of a throwaway machine, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from providers.core.errors import DiskFull, HostError, Refused
from providers.core.thing import Json
from providers.storage import binds, moving
from providers.storage.binds import Binds
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site
from tests.providers.storage.disks import disk

pytestmark = pytest.mark.slow

PATH, TARGET = "/var/lib/containerd", "/srv/data/containerd"
WANTED: Json = {PATH: TARGET}
PLACES = ("/etc/fstab", "/srv", PATH, f"{PATH}.helicon", f"{PATH}.helicon-copy")
UNITS = ("containerd.service", "kubelet.service")
FILL = r"""
set -e; mkdir -p "$1/a/b"; cd "$1"; echo one > a/one; echo secret > 'a/b/two words'; chmod 0600 'a/b/two words'
ln -s a/one link; ln a/one a/hard; mkfifo pipe; chown 1000:1000 a/b; chmod 0711 .
truncate -s 3M sparse; setfattr -n user.x -v y a/one 2>/dev/null || true
"""

CTR = r"""#!/bin/sh
# containerd's ctr, with tasks as files; one that is stubborn ends only by SIGKILL
cd /run/tasks; verb=$4; [ "$3" = tasks ] || verb=info
systemctl is-active kubelet.service >/dev/null && exit 3
case "$verb $*" in
  info*) echo "\"io.kubernetes.container.name\": \"$5\"" ;;
  ls*-q) ls | grep -v stubborn ;;
  ls*) echo "TASK PID STATUS"; for task in a b etcd; do [ ! -e $task ] || echo "$task 1 $(cat $task)"; done ;;
  kill*SIGKILL*) echo "kill -s SIGKILL $7" >> /run/ctr.log; echo STOPPED > "$7" ;;
  kill*) echo "kill $5" >> /run/ctr.log; [ -e "$5.stubborn" ] || echo STOPPED > "$5" ;;
  delete*) shift 3; echo "$*" >> /run/ctr.log; rm "$3" ;;
esac
"""


@pytest.fixture
def machine(local_host: LocalHost) -> Iterator[LocalHost]:
    """A board with a disk at /srv/data, and services that run."""
    local_host.stand_in("systemctl")
    for unit in UNITS:
        local_host.write(f"/usr/lib/systemd/system/{unit}", "[Install]\n")
    local_host.run(["systemctl", "start", *UNITS])
    local_host.write("/usr/local/sbin/ctr", "#!/bin/sh\n", "0755")
    with disk(local_host, "one") as device:
        local_host.run(["sh", "-c", f"mkdir /srv/data && mount {device} /srv/data"])
        yield local_host


@pytest.fixture
def filled(machine: LocalHost) -> LocalHost:
    """The same, with data in the directory."""
    machine.run(["sh", "-c", FILL, "fill", PATH])
    return machine


def filesystem(host: LocalHost, path: str = PATH) -> str:
    """The file system that a directory lies on."""
    return host.run(["findmnt", "-nro", "LABEL", "-T", path], check=False).text


def contents(host: LocalHost, path: str) -> list[str]:
    """All that is below a directory, told from there."""
    return [line.replace(path, "") for line in host.tree(path)]


def running(host: LocalHost) -> list[str]:
    """The services that run."""
    return host.run(["ls", "/run/units/active"]).text.split()


def test_its_whole_life(filled: LocalHost) -> None:
    """Moved, unmounted and unlisted by somebody, mended, moved elsewhere, and as it was."""
    damage = [f"umount {PATH}", "sed -i '/containerd/d' /etc/fstab"]
    assert live(Binds(), filled, WANTED, {PATH: "/srv/data/deep/c"}, damage, PLACES) == [PATH]
    assert running(filled) == list(UNITS)


def test_data_are_moved_whole_and_off_the_card(filled: LocalHost) -> None:
    """Every file, mode, owner, link; the former place is empty, and services run again."""
    before = contents(filled, PATH)
    converge(Binds(), filled, None, WANTED)
    assert contents(filled, PATH) == before == contents(filled, TARGET)
    assert filled.run(["stat", "-c", "%i", PATH]).text == filled.run(["stat", "-c", "%i", TARGET]).text
    filled.run(["umount", PATH])
    assert contents(filled, PATH) == ["d 711 0 0  "]
    assert running(filled) == list(UNITS)
    table = (filled.read("/etc/fstab") or "").splitlines()[-1]
    assert table == (
        f"{TARGET} {PATH} none bind,nofail,x-systemd.requires-mounts-for={TARGET},"
        "x-systemd.required-by=containerd.service,x-systemd.before=containerd.service,"
        "x-systemd.wanted-by=multi-user.target,x-helicon 0 0"
    )


def test_what_was_written_since_comes_back_too(filled: LocalHost) -> None:
    """A removal copies what is there now."""
    converge(Binds(), filled, None, WANTED)
    filled.write(f"{PATH}/new", "new\n")
    now = contents(filled, PATH)
    Binds().remove(site(filled), Binds().parse(WANTED))
    assert contents(filled, PATH) == now
    assert filled.run(["ls", "-A", "/srv/data"]).text == "lost+found"


@pytest.mark.parametrize(
    ("damage", "shown"),
    [
        (f"umount {PATH}", "not mounted"),
        ("sed -i '/containerd/d' /etc/fstab", "not so in /etc/fstab"),
        ("sed -i s/nofail/auto/ /etc/fstab", "not so in /etc/fstab"),
        (f"mkdir {PATH}.helicon", f"former data in {PATH}.helicon"),
    ],
)
def test_every_drift_is_named_and_mended(filled: LocalHost, damage: str, shown: str) -> None:
    """Of the table, of the mount, and of a move that did not end."""
    converge(Binds(), filled, None, WANTED)
    as_made = filled.tree(*PLACES)
    filled.run(["sh", "-c", damage])
    state = Binds().parse(WANTED)
    assert Binds().render(Binds().observe(site(filled), state)) == {PATH: f"{TARGET} ({shown})"}
    converge(Binds(), filled, WANTED, WANTED)
    assert filled.tree(*PLACES) == as_made


def test_it_survives_being_killed_anywhere(filled: LocalHost) -> None:
    """The next run goes on from there, and a removal leaves nothing behind."""
    assert cut_anywhere(Binds(), filled, WANTED, PLACES) > 8
    assert running(filled) == list(UNITS)


def test_an_empty_or_missing_directory_is_only_mounted(machine: LocalHost) -> None:
    """Killed anywhere, too; what was not there is not there afterwards."""
    assert cut_anywhere(Binds(), machine, WANTED, PLACES) > 5
    machine.run(["mkdir", "-m", "0710", PATH])
    before = machine.tree(*PLACES)
    _create(machine)
    assert contents(machine, PATH) == contents(machine, TARGET) == ["d 710 0 0  "]
    _remove(machine)
    assert machine.tree(*PLACES) == before


@pytest.mark.parametrize("script", ["_SETTLE", "_SWITCH", "_RETURN", "_THROW_AWAY"])
def test_a_script_that_is_cut_inside_loses_nothing(
    filled: LocalHost, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each of its commands: the data are whole in one place, and the next run ends the move."""
    module = binds if script == "_SWITCH" else moving
    whole, before = getattr(module, script), contents(filled, PATH)
    tree = filled.tree(*PLACES)
    for cut in range(1, 40):
        trap = f"trap 'n=$((n + 1)); [ $n -lt {cut} ] || exit 99' DEBUG; set -T; n=0"
        monkeypatch.setattr(module, script, f'exec bash -c \'{_quoted(trap)}\n{_quoted(whole)}\' "$0" "$@"')
        done = [_done(act, filled) for act in (_create, _remove)]
        monkeypatch.setattr(module, script, whole)
        assert before in (contents(filled, PATH), contents(filled, TARGET)), (script, cut)
        _create(filled)
        assert contents(filled, PATH) == before, (script, cut)
        _remove(filled)
        assert filled.tree(*PLACES) == tree, (script, cut)
        if all(done):
            assert cut > 3, "never cut"
            return
    raise AssertionError(f"{script} never came to its end")


def _done(act: Callable[[LocalHost], None], host: LocalHost) -> bool:
    try:
        act(host)
    except (HostError, AssertionError):
        return False
    return True


def _quoted(text: str) -> str:
    return text.replace("'", "'\\''")


def _create(host: LocalHost) -> None:
    converge(Binds(), host, None, WANTED)


def _remove(host: LocalHost) -> None:
    Binds().remove(site(host), Binds().parse(WANTED))


def test_too_little_room_is_said(filled: LocalHost) -> None:
    """With what is needed and what there is; services run again, and nothing has changed."""
    filled.run(["sh", "-c", f"head -c 30M /dev/urandom > {PATH}/large"])
    before = filled.tree(*PLACES)
    with pytest.raises(DiskFull, match=rf"binds {PATH}: expected 3\d MiB free for {TARGET}, found 1\d MiB"):
        converge(Binds(), filled, None, WANTED)
    assert filled.tree(*PLACES) == before
    assert running(filled) == list(UNITS)


def test_data_in_both_places_are_refused(filled: LocalHost) -> None:
    """Neither is overwritten; a removal after it finds nothing to do."""
    filled.write(f"{TARGET}/old", "old\n")
    before = filled.tree(*PLACES)
    with pytest.raises(Refused, match=f"expected data in one of the two.*diff -rq {PATH} {TARGET}"):
        converge(Binds(), filled, None, WANTED)
    _remove(filled)
    assert filled.tree(*PLACES) == before


def test_data_of_an_older_card_are_taken_over(machine: LocalHost) -> None:
    """A card flashed anew, a disk with data: they are used, and stay on the disk in the end."""
    machine.run(["sh", "-c", FILL, "fill", TARGET])
    before = machine.tree(*PLACES)
    converge(Binds(), machine, None, WANTED)
    assert contents(machine, PATH) == contents(machine, TARGET)
    _remove(machine)
    assert machine.tree(*PLACES) == before


def test_who_still_writes_there_is_named(filled: LocalHost) -> None:
    """A process that no known service accounts for; nothing is copied under it."""
    filled.run(["sh", "-c", f"exec sleep 60 > {PATH}/open 2>/dev/null & sleep 0.2"])
    before = filled.tree(*PLACES)
    with pytest.raises(Refused, match=r"nothing uses it, found sleep \(process \d+\)"):
        converge(Binds(), filled, None, WANTED)
    assert filled.tree(*PLACES) == before
    assert running(filled) == list(UNITS)
    filled.run(["sh", "-c", "kill $(pidof sleep)"])


def test_containers_end_before_their_runtime_stops(filled: LocalHost) -> None:
    """First asked, then killed, then deleted; the kubelet, which would start them again, is stopped before."""
    filled.write("/usr/local/sbin/ctr", CTR, "0755")
    filled.write("/run/tasks/a", "RUNNING\n")
    filled.write("/run/tasks/b", "RUNNING\n")
    filled.run(["touch", "/run/tasks/b.stubborn"])
    filled.write("/usr/local/sbin/sleep", "#!/bin/sh\n", "0755")
    _create(filled)
    said = (filled.read("/run/ctr.log") or "").splitlines()
    assert said == [
        "kill a",
        "kill b",
        "kill -s SIGKILL b",
        "delete --force a",
        "delete --force b",
    ]
    assert running(filled) == list(UNITS)


def test_only_etcd_ends_for_its_own_directory(filled: LocalHost) -> None:
    """Other containers go on."""
    filled.write("/usr/local/sbin/ctr", CTR, "0755")
    filled.write("/run/tasks/a", "RUNNING\n")
    filled.write("/run/tasks/etcd", "RUNNING\n")
    wanted: Json = {"/var/lib/etcd": "/srv/data/etcd"}
    converge(Binds(), filled, None, wanted)
    assert (filled.read("/run/ctr.log") or "").splitlines() == ["kill etcd"]
    Binds().remove(site(filled), Binds().parse(wanted))


def test_another_mount_is_refused(machine: LocalHost) -> None:
    """What somebody mounted there stays."""
    machine.run(["sh", "-c", f"mkdir {PATH} && mount -t tmpfs tmpfs {PATH}"])
    with pytest.raises(Refused, match=f"expected no other mount there.*umount {PATH}"):
        converge(Binds(), machine, None, WANTED)
