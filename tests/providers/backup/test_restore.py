"""A restore on machines with the real shell: order, what is kept, cuts and failures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from providers.backup import restoring
from providers.backup.__main__ import backup, take
from providers.backup.restoring import Restore
from providers.backup.snapshot_file import verified
from providers.core.errors import Refused
from providers.core.host import Host
from tests.local_host import LocalHost, throwaway
from tests.providers.backup.members import (
    DATABASE,
    MANIFESTS,
    await_health,
    real,
    stand_in,
    wait,
)
from tests.providers.life import Cut, CutHost
from tests.scenarios import FakeRack

NAMES = ("cp-1", "cp-2")
_KUBECTL = (
    '#!/bin/sh\necho "$@" >> /run/kubectl\n[ -e /etc/kubernetes/manifests/kube-apiserver.yaml ] && echo ok\n'
)

_CTR = """#!/bin/sh
case "$*" in
  "-n k8s.io images mount registry.example.test/etcd:3.6.8-0 "*)
    mkdir -p "$6/usr/local/bin"; cp /usr/local/bin/etcd[cu]* "$6/usr/local/bin" ;;
  "-n k8s.io images unmount --rm "*) rm -r "$6/usr" ;;
  *) exit 64 ;;
esac
"""


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """A snapshot that says "restored", with etcd's own sum behind it."""
    database = b"restored\n".ljust(512)
    path = tmp_path / "etcd.db"
    path.write_bytes(database + hashlib.sha256(database).digest())
    return path


def with_api(host: LocalHost) -> LocalHost:
    """Beside the member, an API server, and the administrator's kubectl."""
    host.write("/usr/local/sbin/kubectl", _KUBECTL, "0755")
    host.write("/etc/kubernetes/admin.conf", "admin")
    host.write(
        f"{MANIFESTS}/kube-apiserver.yaml", "  - command:\n    - kube-apiserver\n    - --secure-port=6443\n"
    )
    wait(host, "grep -qx kube-apiserver /proc/[0-9]*/comm")
    return host


@pytest.fixture
def members() -> Iterator[list[LocalHost]]:
    """Two control planes whose databases say "first"."""
    with ExitStack() as stack:
        found = [stack.enter_context(throwaway()) for _ in NAMES]
        for name, host in zip(NAMES, found, strict=True):
            host.name = name
            stand_in(host, name)
            with_api(host)
        yield found


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said while it goes on; waiting is short."""
    monkeypatch.setattr(restoring, "STOP_SECONDS", 20)
    monkeypatch.setattr(restoring, "HEALTH_SECONDS", 3.0)
    monkeypatch.setattr(restoring, "POLL", 0.2)
    return []


def restore(
    hosts: Sequence[Host], snapshot: Path, said: list[str], stamp: str = "now", **more: Any
) -> Restore:
    """A restore onto these machines."""
    wanted: dict[str, Any] = {
        "members": hosts,
        "excluded": [],
        "servers": hosts,
        "rack": FakeRack({}),
        "snapshot": snapshot,
        "digest": verified(snapshot),
        "say": said.append,
        "stamp": stamp,
    }
    return Restore(**{**wanted, **more})


def database(host: LocalHost) -> str:
    """The first line of the database in place."""
    return host.run(["head", "-n", "1", DATABASE]).text.strip()


@pytest.mark.slow
def test_all_members_get_the_data_and_keep_the_former(
    members: list[LocalHost], snapshot: Path, said: list[str]
) -> None:
    """As members of one new cluster, with revisions that no watcher has seen."""
    restore(members, snapshot, said).run()
    for host, name in zip(members, NAMES, strict=True):
        assert database(host) == "restored"
        assert host.read("/var/lib/etcd.helicon/before-now/member/snap/db") == "first\n"
        words = host.read("/run/restored") or ""
        assert f"--name {name} --initial-cluster cp-1=http" in words
        assert "cp-2=http://127.0.0.1:2380 --initial-cluster-token helicon-now" in words
        assert "--bump-revision 1000000000 --mark-compacted" in words
        assert host.read(f"{MANIFESTS}/etcd.yaml")
        assert not host.run(["test", "-e", "/var/lib/helicon/restore"], check=False).ok
        wait(host, "grep -qx etcd /proc/[0-9]*/comm && grep -qx kube-apiserver /proc/[0-9]*/comm")


@pytest.mark.slow
def test_a_data_directory_on_its_own_disk_keeps_the_former_inside(
    members: list[LocalHost], snapshot: Path, said: list[str]
) -> None:
    """A rename does not leave a file system."""
    host = members[0]
    script = "mkdir /var/disk && mv /var/lib/etcd/* /var/disk && mount --bind /var/disk /var/lib/etcd"
    host.run(
        ["sh", "-c", f"{script} && mount -t tmpfs tmpfs /var/lib/etcd && cp -a /var/disk/* /var/lib/etcd"]
    )
    restore([host], snapshot, said).run()
    assert database(host) == "restored"
    assert host.read("/var/lib/etcd/.helicon/before-now/member/snap/db") == "first\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", ["touch /run/no-restore", "rm /etc/kubernetes/manifests/etcd.yaml", "rm /usr/local/bin/etcdutl"]
)
def test_what_cannot_be_prepared_stops_nothing(
    members: list[LocalHost], snapshot: Path, said: list[str], damage: str
) -> None:
    """One machine's trouble is seen before any is touched."""
    members[1].run(["sh", "-c", damage])
    with pytest.raises(Exception, match="cp-2"):
        restore(members, snapshot, said).run()
    assert [database(host) for host in members] == ["first", "first"]
    assert not [line for line in said if "stopping" in line]


@pytest.mark.slow
def test_tools_and_manifests_are_found_when_nothing_runs(
    members: list[LocalHost], snapshot: Path, said: list[str]
) -> None:
    """The manifests as they were when the machine joined, and the tools of their image."""
    host = members[0]
    host.run(
        [
            "sh",
            "-c",
            f"mkdir -p /var/lib/helicon/manifests && mv {MANIFESTS}/*.yaml /var/lib/helicon/manifests",
        ]
    )
    wait(host, "! grep -qxE 'etcd|kube-apiserver' /proc/[0-9]*/comm")
    host.run(["rm", "-rf", "/var/lib/etcd"])
    host.write("/usr/local/sbin/ctr", _CTR, "0755")
    restore([host], snapshot, said).run()
    assert database(host) == "restored"
    wait(host, "grep -qx etcd /proc/[0-9]*/comm && grep -qx kube-apiserver /proc/[0-9]*/comm")


@pytest.mark.slow
@pytest.mark.parametrize("where", [0, 1])
def test_etcd_that_does_not_start_gives_the_former_state_back(
    members: list[LocalHost], snapshot: Path, said: list[str], where: int
) -> None:
    """On all machines, data and manifests, and it runs again."""
    text = members[where].read("/usr/local/bin/etcdutl") or ""
    members[where].write("/usr/local/bin/etcdutl", text.replace('cat "$snapshot"', "echo broken"), "0755")
    with pytest.raises(Refused, match=r"this command again; former data.*before-now"):
        restore(members, snapshot, said).run()
    for host in members:
        assert database(host) == "first"
        wait(host, "grep -qx etcd /proc/[0-9]*/comm && grep -qx kube-apiserver /proc/[0-9]*/comm")
        assert "before-now" not in host.run(["ls", "-A", "/var/lib/etcd.helicon"]).text


@pytest.mark.slow
def test_it_is_run_again_wherever_it_was_cut(
    members: list[LocalHost], snapshot: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill leaves no time to put anything back: the next run finds its way from any state."""
    monkeypatch.setattr(Restore, "_undo", lambda self: None)
    host = members[0]
    for cut in range(30):
        host.run(["sh", "-c", f"echo 'before {cut}' > {DATABASE}"])
        try:
            restore([CutHost(host, cut)], snapshot, said, f"cut-{cut}").run()
        except (Refused, Cut):
            restore([host], snapshot, said, f"again-{cut}").run()
            assert database(host) == "restored"
            kept = host.run(["sh", "-c", "cat /var/lib/etcd.helicon/before-*/member/snap/db"]).text
            assert f"before {cut}" in kept
            wait(host, "grep -qx etcd /proc/[0-9]*/comm")
        else:
            assert cut > 8
            return
    raise AssertionError("more than 30 commands")


@pytest.mark.slow
def test_machines_that_are_left_out_are_reset(
    members: list[LocalHost], snapshot: Path, said: list[str]
) -> None:
    """Their data is kept, they are no members any more, and their Node object goes."""
    kept, other = members
    other.run(["hostname", "cp-2"])
    restore([kept], snapshot, said, excluded=[other]).run()
    assert database(kept) == "restored"
    assert "cp-2=" not in (kept.read("/run/restored") or "")
    assert other.read("/var/lib/helicon/etcd-before-now/member/snap/db") == "first\n"
    assert not other.run(["test", "-e", f"{MANIFESTS}/etcd.yaml"], check=False).ok
    assert "delete node cp-2" in (kept.read("/run/kubectl") or "")


@pytest.mark.slow
def test_api_servers_stop_while_an_external_etcd_is_restored(
    members: list[LocalHost], snapshot: Path, said: list[str]
) -> None:
    """They have no member, and start again only on the restored one."""
    etcd, server = members
    server.run(["rm", f"{MANIFESTS}/etcd.yaml"])
    etcd.run(["rm", f"{MANIFESTS}/kube-apiserver.yaml"])
    listed = ["sh", "-c", "grep -lx kube-apiserver /proc/[0-9]*/comm 2>/dev/null"]
    before = server.run(listed, check=False).text
    restore([etcd], snapshot, said, servers=[server]).run()
    assert database(etcd) == "restored"
    wait(server, "grep -qx kube-apiserver /proc/[0-9]*/comm")
    assert before
    assert server.run(listed, check=False).text != before
    assert not server.run(["test", "-e", "/var/lib/helicon/restore"], check=False).ok


def test_a_damaged_snapshot_is_refused_before_any_machine_is_asked(snapshot: Path) -> None:
    """Cut, changed, or not etcd's at all; also one that is not what its sum says."""
    whole = snapshot.read_bytes()
    digest = verified(snapshot)
    assert digest == hashlib.sha256(whole).hexdigest()
    for content in (whole[:-1], whole + b"y", b"x" + whole[1:], b""):
        snapshot.write_bytes(content)
        with pytest.raises(Refused, match="damaged file"):
            verified(snapshot)
    snapshot.write_bytes(whole)
    snapshot.with_name("etcd.db.sha256").write_text(f"{'0' * 64}  etcd.db\n")
    with pytest.raises(Refused, match="another content"):
        verified(snapshot)


def test_a_snapshot_on_demand_comes_from_a_member_that_is_well(
    members: list[LocalHost], snapshot: Path, tmp_path: Path
) -> None:
    """Readable by the user only, and nothing is left on the machine; the first member has none to give."""
    members[0].run(["touch", "/run/no-snapshot"])
    members[1].write(DATABASE, "")
    members[1].run(["sh", "-c", f"cat > {DATABASE}"], stdin=snapshot.read_bytes())
    target = tmp_path / "now.db"
    host, status = backup(members, target)
    assert (host.name, status) == ("cp-2", '{"revision":7}')
    assert verified(target) == verified(snapshot)
    assert target.stat().st_mode & 0o777 == 0o600
    assert not members[1].run(["test", "-e", "/var/lib/helicon/backup"], check=False).ok
    members[1].run(["touch", "/run/no-snapshot"])
    with pytest.raises(Refused, match=r"cp-1: .*no snapshot was taken.*; cp-2: .*no snapshot"):
        backup(members, target)


@pytest.mark.apiserver
def test_objects_of_a_real_etcd_are_back(
    local_host: LocalHost, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot on demand, all data lost, a restore: the keys are back, the later ones gone, revisions higher."""
    monkeypatch.setattr(restoring, "HEALTH_SECONDS", 30.0)
    real(local_host)
    with_api(local_host)
    local_host.run(["etcdctl", "put", "a", "1"])
    take(local_host, tmp_path / "etcd.db")
    local_host.run(["etcdctl", "put", "b", "2"])
    local_host.run(["sh", "-c", "mv /etc/kubernetes/manifests/etcd.yaml /run"])
    wait(local_host, "! grep -qx etcd /proc/[0-9]*/comm")
    local_host.run(["sh", "-c", "rm -rf /var/lib/etcd/member && mv /run/etcd.yaml /etc/kubernetes/manifests"])
    await_health(local_host)
    restore([local_host], tmp_path / "etcd.db", said).run()
    keys = local_host.run(["etcdctl", "get", "", "--prefix", "--print-value-only", "-w", "simple"]).text
    assert keys == "1"
    status = local_host.run(["etcdctl", "endpoint", "status", "-w", "fields"]).text
    (revision,) = (line.split()[-1] for line in status.splitlines() if line.startswith('"Revision"'))
    assert int(revision) > 1_000_000_000
