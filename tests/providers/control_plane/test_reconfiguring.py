"""Settings that do not work are taken back; what the cluster is told keeps what only the cluster knows."""

from __future__ import annotations

from typing import Any

import pytest

from providers.control_plane import health as health
from providers.control_plane import live_settings, reconfiguring
from providers.core.errors import CommandFailed, Refused
from providers.core.journal import Journal
from providers.core.thing import Site
from providers.membership.telling import merged
from tests.fake_host import Answer, Command, FakeHost, pattern
from tests.scenarios import FakeRack

WANTED: dict[str, Any] = {
    "role": "control-plane",
    "version": "v1.36.3",
    "node_name": "cp-1",
    "address": "10.0.0.11",
    "endpoint": "api:6443",
    "ca": "sha256:aa",
    "cluster": {"scheduler": {"extraArgs": {"bind-address": "10.0.0.11", "bogus": "1"}}},
}
BEFORE = '{"cluster": {}, "role": "control-plane"}'
FIELDS = ["cluster.scheduler.extraArgs.bogus"]


def does(line: str, out: str = "", *, stdin: str = "", code: int = 0, err: str = "") -> Command:
    """A command that is expected, and what it leaves behind."""
    return Command(argv=pattern(line), stdin=stdin, answer=Answer(out=out, exit=code, err=err))


def member(*commands: Command) -> Site:
    """The only control plane, with what will be run on it."""
    host = FakeHost(commands=commands)
    return Site(host=host, journal=Journal(host), rack=FakeRack({host.name: host}))


def finished(site: Site) -> bool:
    """Whether all that was expected was run."""
    assert isinstance(site.host, FakeHost)
    site.host.finish()
    return True


UNTIL_SWITCH = (
    does("<manifests.etcd>"),
    does("<manifests.stage>", stdin="*"),
    does("<reconfiguring.read>", BEFORE),
    does(
        "<reconfiguring.record>",
        stdin='{"cluster": {}, "role": "control-plane", "unfinished": "settings"}',
    ),
)


@pytest.mark.parametrize(
    ("switched", "told"),
    [
        (
            [
                does("<manifests.switch> *"),
                does("<health.health> * 10.0.0.11", "kube-scheduler"),
            ],
            "kube-sch",
        ),
        ([does("<manifests.switch> *", code=1, err="etcd did not begin")], "etcd did not begin"),
    ],
)
def test_settings_that_do_not_work_are_taken_back(
    switched: list[Command], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The former manifests and the former record come back; the cluster was told nothing."""
    monkeypatch.setattr(reconfiguring, "HEALTH", -1.0)
    site = member(
        *UNTIL_SWITCH,
        *switched,
        does("<manifests.switch> /var/lib/helicon/manifests"),
        does("<health.health> 127.0.0.1 127.0.0.1"),
        does("<reconfiguring.record>", stdin=BEFORE),
    )
    with pytest.raises(Refused, match=f"{told}.* all is well again"):
        reconfiguring.reconfigure(site, WANTED, FIELDS)
    assert finished(site)


def test_what_kubeadm_refuses_changes_nothing() -> None:
    """Not even the record: the next run may have other settings."""
    site = member(does("<manifests.etcd>"), does("<manifests.stage>", stdin="*", code=1, err="unknown field"))
    with pytest.raises(CommandFailed, match="unknown field"):
        reconfiguring.reconfigure(site, WANTED, FIELDS)
    assert finished(site)


def test_patience_is_kubeadms_own_where_that_is_longer() -> None:
    """Slow boards have it written as a duration."""
    assert reconfiguring.patience({}) == reconfiguring.HEALTH
    assert reconfiguring.patience({"timeouts": {"controlPlaneComponentHealthCheck": "1h2m3s"}}) == 3723


def test_components_are_asked_where_they_listen() -> None:
    """kubeadm lets the controller manager and the scheduler listen at 127.0.0.1 unless told otherwise."""
    host = FakeHost(commands=[does("<health.health> 127.0.0.1 10.0.0.11")])
    cluster = {"controllerManager": {"extraArgs": {"bind-address": "0.0.0.0"}}, **WANTED["cluster"]}
    assert health.await_health(host, cluster, 0.0) == []
    host.finish()


def test_the_cluster_keeps_its_version_and_endpoint() -> None:
    """They are changed in other ways; our other settings take the place of what is there, whole."""
    found = {
        "kubernetesVersion": "v1.36.4",
        "controlPlaneEndpoint": "api:6443",
        "imageRepository": "registry.example.test",
        "scheduler": {"extraArgs": [{"name": "v", "value": "4"}]},
        "etcd": {"local": {"dataDir": "/var/lib/etcd"}},
    }
    ours = {
        "kubernetesVersion": "v1.36.3",
        "controlPlaneEndpoint": "dmz:6443",
        "scheduler": {},
        "etcd": {"local": {"extraArgs": [{"name": "quota-backend-bytes", "value": "2"}]}},
    }
    assert merged(found, live_settings.listed(ours)) == {
        "kubernetesVersion": "v1.36.4",
        "controlPlaneEndpoint": "api:6443",
        "imageRepository": "registry.example.test",
        "scheduler": {},
        "etcd": {
            "local": {
                "dataDir": "/var/lib/etcd",
                "extraArgs": [{"name": "quota-backend-bytes", "value": "2"}],
            }
        },
    }
