"""Backups as a stack file describes them, and as properties of the machines that hold etcd."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components import backup, properties
from components.sources import source_of
from config import ConfigurationError, Rack, load
from tests.config.injections import sound

S3 = {"endpoint": "https://s3.example.test", "bucket": "racks"}


def rack(**settings: Any) -> Rack:
    """The sound rack with these settings of its backups."""
    return load({**sound(), "backup": settings}, stack="test")


def test_a_rack_that_says_nothing_has_no_backups() -> None:
    """Nothing is put on its machines."""
    found = load(sound(), stack="test")
    assert found.backup is None
    assert (backup.properties(found), backup.packages(found)) == ({}, {})


def test_a_rack_that_says_little_has_good_ones() -> None:
    """Daily, spread over an hour, two weeks of them."""
    assert backup.properties(rack()) == {
        "backup": {"schedule": "daily", "jitter": "1h", "directory": "/var/backups/etcd", "keep": 14}
    }


def test_copies_are_options_of_the_same_thing() -> None:
    """So that each is a named difference."""
    found = backup.properties(rack(copy_to={"directory": "/mnt/nas/etcd"}))
    assert found["backup"]["copy_directory"] == "/mnt/nas/etcd"


def test_an_upload_brings_curl_to_control_planes_alone() -> None:
    """It is what uploads."""
    found = rack(copy_to={"s3": S3})
    source = source_of(found, "arm64")
    wanted = {
        name: properties.software(found, found.nodes[name], source)["packages"] for name in ("cp-1", "w-1")
    }
    assert ("curl" in wanted["cp-1"], "curl" in wanted["w-1"]) == (True, False)


def test_keys_come_from_the_environment_as_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that are missing are named at once."""
    monkeypatch.delenv(backup.ACCESS_KEY, raising=False)
    monkeypatch.setenv(backup.SECRET_KEY, "with space")
    with pytest.raises(pulumi.RunError) as caught:
        backup.properties(rack(copy_to={"s3": S3}))
    assert f"{backup.ACCESS_KEY}, found nothing" in str(caught.value)
    assert f"{backup.SECRET_KEY}, found something else (hidden)" in str(caught.value)
    monkeypatch.setenv(backup.ACCESS_KEY, "AKIA")
    monkeypatch.setenv(backup.SECRET_KEY, "s3cr3t")
    found = backup.properties(rack(copy_to={"s3": S3}))
    assert isinstance(found["backup_credentials"], pulumi.Output)
    assert "s3cr3t" not in str(found["backup"])
    assert found["backup"]["s3"] == {**S3, "prefix": "etcd", "region": "us-east-1"}


@pytest.mark.parametrize(
    "schedule", ["daily", "hourly", "*-*-* 03:00", "Mon..Fri 22:30", "*-*-01 04:00:00 Europe/Paris"]
)
def test_schedules_are_systemd_s(schedule: str) -> None:
    """Words and expressions."""
    found = rack(schedule=schedule).backup
    assert found and found.schedule == schedule


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"schedule": "dayly"}, 'backup.schedule: expected a calendar event.*Did you mean "daily"'),
        ({"schedule": "0 3 * * *\n"}, "backup.schedule: expected a calendar event.*systemd-analyze calendar"),
        ({"keep": 0}, "backup.keep"),
        ({"jitter": "an hour"}, "backup.jitter: expected a duration"),
        ({"directory": "backups"}, "backup.directory: expected an absolute path"),
        (
            {"copy_to": {"s3": {**S3, "endpoint": "s3.example.test"}}},
            r"copy_to.s3.endpoint: expected an address",
        ),
        ({"copy_to": {"s3": {**S3, "secret_key": "x"}}}, r"copy_to.s3.secret_key"),
        ({"copy_to": {"s3": {**S3, "prefix": "a b"}}}, r"copy_to.s3.prefix"),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], line: str) -> None:
    """With the path, and what to write; a key of the store has no place in the file."""
    with pytest.raises(ConfigurationError, match=line):
        rack(**settings)
