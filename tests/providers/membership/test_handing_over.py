"""A control plane that goes: its API server ends, and what its disk keeps for coming back elsewhere."""

from __future__ import annotations

import pytest

from providers.membership import kubeadm_reset
from providers.membership.handing_over import _STOP_API, DEPARTING
from providers.membership.kubeadm import Kubeadm
from tests.local_host import LocalHost
from tests.providers import life

MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
# the kubelet's part: the process ends when its manifest is gone
KUBELET = f"""
cp "$(command -v sleep)" /run/kube-apiserver
(
  /run/kube-apiserver 60 & server=$!
  while [ -e {MANIFEST} ]; do sleep 0.1; done; kill $server; wait $server
) >/dev/null 2>&1 </dev/null &
until grep -qsx kube-apiserver /proc/[0-9]*/comm; do sleep 0.1; done
"""
RUNS = "grep -lsx kube-apiserver /proc/[0-9]*/comm"
PKI = "/etc/kubernetes/pki"


@pytest.mark.slow
def test_the_api_server_has_ended_when_the_script_has(local_host: LocalHost) -> None:
    """The mark that it departs is there before anything is taken away, and it is no member any more."""
    member = '{"role": "control-plane", "address": "10.0.0.11"}'
    local_host.write("/etc/kubernetes/kubelet.conf", "")
    local_host.write("/var/lib/helicon/membership.json", member)
    local_host.write(MANIFEST, "kind: Pod\n")
    local_host.stand_in("systemctl")
    local_host.run(["sh", "-c", KUBELET])
    assert local_host.run(["sh", "-c", RUNS], check=False).ok
    kubeadm = Kubeadm()
    wanted = kubeadm.parse({"role": "control-plane", "address": "10.0.0.11"})
    assert kubeadm.observe(life.site(local_host), wanted).joined
    local_host.run(["sh", "-c", _STOP_API, "stop", DEPARTING])
    assert not local_host.run(["sh", "-c", RUNS], check=False).ok
    assert local_host.read(MANIFEST) is None
    assert local_host.read(DEPARTING) == ""
    assert kubeadm.observe(life.site(local_host), wanted).joined is None


@pytest.mark.slow
def test_one_that_moves_keeps_what_does_not_name_its_address(local_host: LocalHost) -> None:
    """The program's certificates stay, the leaves that kubeadm signed for the former address go."""
    kept = [f"{PKI}/ca.crt", f"{PKI}/sa.key", f"{PKI}/etcd/ca.crt", f"{PKI}/etcd/healthcheck-client.crt"]
    gone = [f"{PKI}/etcd/server.crt", f"{PKI}/etcd/peer.key", MANIFEST, "/etc/kubernetes/admin.conf"]
    marks = ["/var/lib/helicon/membership.json", DEPARTING, "/var/lib/etcd/member/snap/db"]
    local_host.stand_in("systemctl")
    local_host.run(["mkdir", "-p", "/run/lock"])
    for path in [*kept, *gone, *marks]:
        local_host.write(path, path)
    for _ in range(2):
        kubeadm_reset.reset(life.site(local_host), moving=True, left=True)
        assert [local_host.read(path) for path in kept] == kept
        assert [path for path in [*gone, *marks] if local_host.read(path) is not None] == []


@pytest.mark.slow
def test_one_that_leaves_keeps_nothing(local_host: LocalHost) -> None:
    """Its keys are of no use elsewhere."""
    local_host.stand_in("systemctl")
    local_host.run(["mkdir", "-p", "/run/lock"])
    local_host.write(f"{PKI}/ca.key", "key")
    kubeadm_reset.reset(life.site(local_host), left=True)
    assert local_host.read(f"{PKI}/ca.key") is None
