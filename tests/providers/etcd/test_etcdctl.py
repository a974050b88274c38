"""What etcdctl says, read; and what is said to it when it refuses at first."""

from __future__ import annotations

import pytest

from providers.core.errors import CommandFailed
from providers.etcd import etcdctl
from tests.fake_host import Answer, Command, FakeHost, pattern

SAID = """\
yes
8211f1d0f64f3269, started, etcd-1, https://10.0.0.41:2380, https://10.0.0.41:2379, false
91bc3c398fb3c146, started, etcd-2, https://10.0.0.42:2380, https://10.0.0.42:2379, false
fd422379fda50e48, unstarted, , https://10.0.0.43:2380, , true
https://10.0.0.41:2379 is healthy: successfully committed proposal: took = 3.1ms
"""


def test_members_and_their_health_are_read() -> None:
    """One that was added and never started has no name; a learner has no vote."""
    seen = etcdctl.parse_look(SAID)
    assert seen.begun
    assert [(one.name, one.started, one.learner) for one in seen.members] == [
        ("etcd-1", True, False),
        ("etcd-2", True, False),
        ("", False, True),
    ]
    assert seen.healthy == ("https://10.0.0.41:2379",)


@pytest.mark.parametrize(("text", "begun"), [("", False), ("no", False), ("yes", True)])
def test_a_machine_without_a_quorum_lists_nobody(text: str, begun: bool) -> None:
    """Whether it was made a member is said all the same."""
    assert etcdctl.parse_look(text) == etcdctl.Seen(begun=begun)


def test_a_member_is_known_by_name_or_address() -> None:
    """So that one which never started, or was renamed, is found."""
    seen = etcdctl.parse_look(SAID)
    found = [etcdctl.listed(seen, *one) for one in (("etcd-1", "x"), ("x", "10.0.0.43"), ("x", "10.0.0.4"))]
    assert [one and one.identifier for one in found] == ["8211f1d0f64f3269", "fd422379fda50e48", None]


@pytest.mark.parametrize(
    ("name", "address", "expected"), [("etcd-1", "10.0.0.41", (2, 0)), ("etcd-2", "10.0.0.42", (2, 1))]
)
def test_the_health_of_the_others_is_counted(name: str, address: str, expected: tuple[int, int]) -> None:
    """Voters alone, and never oneself."""
    assert etcdctl.others_well(etcdctl.parse_look(SAID), name, address) == expected


ADD = "<etcdctl.tell> 15s member add etcd-3"
REFUSED = Answer(err="etcdserver: unhealthy cluster", exit=1)


def test_a_refusal_of_a_young_cluster_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """etcd wants all members to have been connected for a while."""
    monkeypatch.setattr(etcdctl, "POLL", 0.0)
    host = FakeHost(commands=[Command(argv=pattern(ADD), answer=REFUSED), Command(argv=pattern(ADD))])
    etcdctl.reconfigure(host, "add", "etcd-3")
    host.finish()


def test_a_refusal_that_lasts_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what etcd said."""
    monkeypatch.setattr(etcdctl, "SETTLING", -1.0)
    host = FakeHost(commands=[Command(argv=pattern(ADD), answer=REFUSED)] * 2)
    with pytest.raises(CommandFailed, match="unhealthy cluster"):
        etcdctl.reconfigure(host, "add", "etcd-3")
