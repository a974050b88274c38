"""Static pods that start anew: those that are named, as other pods, and the note is kept until they serve."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.control_plane import manifests, static_pods
from providers.core.errors import HostError
from tests.local_host import LocalHost, throwaway
from tests.providers.control_plane import kubelet
from tests.providers.life import site

MANIFEST = "kind: Pod\nmetadata:\n  labels:\n    component: {0}\n  name: {0}\n"
READY = "#!/bin/sh\necho ok\n"
UNREADY = "#!/bin/sh\necho no >&2; exit 1\n"


@pytest.fixture
def member() -> Iterator[LocalHost]:
    """A control plane with an external etcd, whose kubelet is stood in for."""
    with throwaway() as machine:
        machine.write("/usr/local/sbin/kubectl", READY, "0755")
        machine.write("/etc/kubernetes/admin.conf", "")
        machine.write("/var/lib/helicon/membership.json", "{}")
        for name in ("kube-apiserver", "kube-scheduler"):
            machine.write(f"{manifests.MANIFESTS}/{name}.yaml", MANIFEST.format(name))
        kubelet.start(machine, 2)
        yield machine


def text(machine: LocalHost, name: str) -> str:
    """A manifest as it lies there, without when it was started anew."""
    lines = (machine.read(f"{manifests.MANIFESTS}/{name}.yaml") or "").splitlines(keepends=True)
    return "".join(line for line in lines if "helicon/started" not in line)


@pytest.mark.slow
def test_what_is_named_starts_anew(member: LocalHost) -> None:
    """Again and again; the note that it has to is gone afterwards, names without a manifest are passed over."""
    here = site(member)
    for _ in range(2):
        static_pods.note(here, ["kube-apiserver", "etcd"])
        assert static_pods.pending(member.ask([static_pods.PENDING])[0]) == ["etcd", "kube-apiserver"]
        static_pods.restart_in_turn(here, ["kube-apiserver", "etcd"])
        assert static_pods.pending(member.ask([static_pods.PENDING])[0]) == []
    told = kubelet.events(member).split("\n")[:-1]
    assert told == ["ended kube-apiserver", "began kube-apiserver"] * 2
    for name in ("kube-apiserver", "kube-scheduler"):
        assert text(member, name) == MANIFEST.format(name)
        placed, saved = (member.read(f"{at}/{name}.yaml") for at in (manifests.MANIFESTS, manifests.SAVED))
        assert placed == saved  # else the next run would find a manifest that somebody changed


@pytest.mark.slow
def test_a_machine_that_is_no_member_has_nothing_pending() -> None:
    """Whatever an earlier membership left there."""
    with throwaway() as machine:
        static_pods.note(site(machine), ["etcd"])
        assert static_pods.pending(machine.ask([static_pods.PENDING])[0]) is None


@pytest.mark.slow
def test_an_api_that_does_not_come_back_is_an_error(
    member: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the note stays, so that the next run tries again."""
    monkeypatch.setattr(static_pods, "WAIT", -1.0)
    member.write("/usr/local/sbin/kubectl", UNREADY, "0755")
    static_pods.note(site(member), ["kube-apiserver"])
    with pytest.raises(HostError, match="ready again"):
        static_pods.restart(site(member), ["kube-apiserver"])
    assert static_pods.pending(member.ask([static_pods.PENDING])[0]) == ["kube-apiserver"]
