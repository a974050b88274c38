"""Who takes part in a restore, as the command plans it."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import load
from providers.backup import restore
from providers.backup.machines import CommandRack
from providers.backup.restoring import Restore
from providers.core.errors import Refused
from tests.config.injections import Raw, sound
from tests.fake_host import Answer, Command, FakeHost, pattern

MEMBER = "yes\nno\n"
SILENT = "no\nno\n"


def machines(raw: Raw, **answers: str) -> CommandRack:
    """The control planes of a rack; those with an answer are asked for their state."""
    rack = load(raw, stack="test")
    hosts = {}
    for name in ("cp-1", "cp-2", "cp-3"):
        told = answers.get(name.replace("-", "_"))
        commands = [Command(argv=pattern("sh -c * ..."), answer=Answer(out=told))] if told else []
        hosts[name] = FakeHost(name, commands=commands)
    return CommandRack(rack, hosts)


def planned(raw: Raw, rack: CommandRack, names: str) -> Restore:
    """The plan for these names."""
    return restore.planned(load(raw, stack="test"), rack, Path("etcd.db"), "0" * 64, names)


def test_all_members_are_the_rule() -> None:
    """No other machine is asked anything."""
    found = planned(sound(), machines(sound()), "")
    assert [host.name for host in found.members] == ["cp-1", "cp-2", "cp-3"]
    assert (found.servers, found.excluded) == (found.members, [])


def test_the_others_are_taken_out_if_they_are_members() -> None:
    """One that never joined has nothing to be reset."""
    found = planned(sound(), machines(sound(), cp_1=MEMBER, cp_3=SILENT), "cp-2")
    assert [host.name for host in found.members] == ["cp-2"]
    assert [host.name for host in found.excluded] == ["cp-1"]
    assert found.servers == found.members


def test_names_that_are_no_members_are_refused() -> None:
    """With the names that are."""
    with pytest.raises(Refused, match="names among cp-1, cp-2, cp-3, found w-1"):
        planned(sound(), machines(sound()), "cp-1,w-1")


def test_a_machine_without_a_member_is_to_be_left_out() -> None:
    """A board that is new, or lost everything: the error says how to go on."""
    host = FakeHost(
        commands=[Command(argv=pattern("sh -c * ..."), answer=Answer(exit=1, err="no etcd.yaml"))]
    )
    found = planned(sound(), machines(sound()), "cp-1,cp-2,cp-3")
    one = Restore(**{**vars(found), "members": [host], "servers": []})
    with pytest.raises(Refused, match=r"no etcd.yaml.*MEMBERS="):
        restore.told(one)


def test_a_missing_file_is_said_and_nothing_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No connection is opened for it."""
    (tmp_path / "Pulumi.test.yaml").write_text(
        "config:\n  helicon:cluster: {kubernetes: '1.36.3', endpoint: 10.0.0.11}\n"
        "  helicon:nodes: {cp-1: {address: 10.0.0.11, roles: [control-plane]}}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert restore.main(["test", "missing.db"]) == 1
    assert "missing.db: expected a whole snapshot of etcd, found No such file" in capsys.readouterr().err
