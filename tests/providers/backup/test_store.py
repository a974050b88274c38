"""Uploads to an S3-compatible store, by the real curl."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.backup.backup import Backup
from providers.backup.backup_credentials import BackupCredentials, curl_config
from providers.backup.backup_script import SCRIPT_PATH
from providers.core.thing import Json
from tests.local_host import LocalHost
from tests.providers.backup import store
from tests.providers.backup.members import stand_in
from tests.providers.life import converge

S3: Json = {
    "endpoint": f"http://127.0.0.1:{store.PORT}",
    "bucket": "racks",
    "prefix": "etcd/lab",
    "region": "eu-north-1",
}
WANTED: Json = {"keep": 2, "s3": S3}


@pytest.fixture
def member(local_host: LocalHost) -> LocalHost:
    """A member whose backups go to the store at its loopback address."""
    stand_in(local_host)
    local_host.run(["hostname", "cp-1"])
    local_host.run(["ip", "link", "set", "lo", "up"])
    converge(Backup(), local_host, None, WANTED)
    keys: Json = {"curl": curl_config(store.ACCESS_KEY, store.SECRET_KEY)}
    converge(BackupCredentials(), local_host, None, keys)
    return local_host


@pytest.fixture
def objects(member: LocalHost, tmp_path: Path) -> Iterator[Path]:
    """The store, in the machine's network; its directory."""
    argv = ["nsenter", "-t", str(member.holder), "-n", sys.executable, store.__file__, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            yield tmp_path
        finally:
            server.terminate()


def test_a_snapshot_goes_to_the_store_once(member: LocalHost, objects: Path) -> None:
    """Signed, with its sum, below the machine's name; what is there already is not sent again."""
    member.run(["sh", SCRIPT_PATH])
    (snapshot,) = objects.rglob("*.db")
    assert snapshot.relative_to(objects).parent == Path("racks/etcd/lab/cp-1")
    assert snapshot.read_text() == "first\n"
    assert snapshot.with_name(f"{snapshot.name}.sha256").exists()
    snapshot.unlink()
    member.run(["sh", "-c", "sleep 1"])
    member.run(["sh", SCRIPT_PATH])
    assert snapshot not in list(objects.rglob("*.db"))


def test_what_could_not_be_sent_is_sent_later(member: LocalHost, tmp_path: Path) -> None:
    """Without the store the unit fails, and the snapshot is kept."""
    done = member.run(["sh", SCRIPT_PATH], check=False)
    assert (done.exit_status, b"upload to http://127.0.0.1:9000 failed" in done.stderr) == (1, True)
    names = member.run(["sh", "-c", "ls -A /var/backups/etcd"]).text.split()
    assert [name.rpartition(".")[2] for name in names] == ["db", "sha256"]


def test_wrong_keys_are_named(member: LocalHost, objects: Path) -> None:
    """The store's refusal is in the unit's log, the keys are not."""
    converge(BackupCredentials(), member, None, {"curl": curl_config(store.ACCESS_KEY, "other")})
    done = member.run(["sh", SCRIPT_PATH], check=False)
    assert b"403" in done.stderr
    assert b"other" not in done.stderr
    assert list(objects.rglob("*.db")) == []
