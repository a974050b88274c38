"""Static pods that start anew: the right processes end, the kubelet's next ones are awaited."""

from __future__ import annotations

import pytest

from providers.control_plane import static_pods
from providers.core.errors import HostError
from tests.local_host import LocalHost, throwaway
from tests.providers.life import site

KUBELET = r"""#!/bin/sh
# starts every static pod again, as processes whose control group is that of a pod
cgroup() {
  echo "0::/kubepods.slice/kubepods-pod$2.slice/cri-containerd-1.scope" > "/tmp/$1"
  mount --bind "/tmp/$1" "/proc/$1/cgroup"
}
pod() { "/usr/local/bin/$1" 1000 & cgroup $! "$2"; echo $! > "/run/$1.$2"; }
pod kube-apiserver 1234abcd-12ab-34cd-56ef-1234567890ab
while :; do pod kube-apiserver 0123456789abcdef0123456789abcdef; wait $!; done
"""
UNREADY = """#!/bin/sh
case "$*" in *10248*) exit 0 ;; esac
echo no >&2; exit 1
"""
"""The kubelet is well, the API is not."""
PID = "0123456789abcdef0123456789abcdef"


def control_plane(machine: LocalHost) -> None:
    """A machine with an API server in a static pod, and one of the same name in a user's pod."""
    machine.run(["sh", "-c", "cp /bin/sleep /usr/local/bin/kube-apiserver"])
    machine.write("/usr/local/sbin/kubectl", "#!/bin/sh\necho ok\n", "0755")
    machine.write("/usr/local/sbin/systemctl", "#!/bin/sh\n", "0755")
    machine.write("/usr/local/sbin/pods", KUBELET, "0755")
    machine.write("/etc/kubernetes/admin.conf", "")
    machine.write("/etc/kubernetes/manifests/kube-apiserver.yaml", "")
    machine.write("/var/lib/helicon/membership.json", "{}")
    machine.run(
        ["sh", "-c", "pods >/dev/null 2>&1 & until [ -e /run/kube-apiserver.$0 ]; do sleep 0.1; done", PID]
    )


@pytest.mark.slow
def test_the_static_pod_starts_anew_and_a_users_pod_does_not() -> None:
    """The note that it has to is gone afterwards; names without a manifest are passed over."""
    with throwaway() as machine:
        control_plane(machine)
        processes = machine.run(["sh", "-c", "cat /run/kube-apiserver.*"]).text.split()
        here = site(machine)
        static_pods.note(here, ["kube-apiserver", "etcd"])
        assert static_pods.pending(machine.ask([static_pods.PENDING])[0]) == ["etcd", "kube-apiserver"]
        static_pods.restart_in_turn(here, ["kube-apiserver", "etcd"])
        static, users = machine.run(["sh", "-c", "cat /run/kube-apiserver.*"]).text.split()
        assert static != processes[0]
        assert users == processes[1]
        assert machine.run(["kill", "-0", users], check=False).ok
        assert not machine.run(["kill", "-0", processes[0]], check=False).ok
        assert static_pods.pending(machine.ask([static_pods.PENDING])[0]) == []


@pytest.mark.slow
def test_a_machine_that_is_no_member_has_nothing_pending() -> None:
    """Whatever an earlier membership left there."""
    with throwaway() as machine:
        static_pods.note(site(machine), ["etcd"])
        assert static_pods.pending(machine.ask([static_pods.PENDING])[0]) is None


@pytest.mark.slow
def test_an_api_that_does_not_come_back_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the note stays, so that the next run tries again."""
    monkeypatch.setattr(static_pods, "WAIT", -1.0)
    with throwaway() as machine:
        control_plane(machine)
        machine.write("/usr/local/sbin/kubectl", UNREADY, "0755")
        static_pods.note(site(machine), ["kube-apiserver"])
        with pytest.raises(HostError, match="ready again"):
            static_pods.restart(site(machine), ["kube-apiserver"])
        assert static_pods.pending(machine.ask([static_pods.PENDING])[0]) == ["kube-apiserver"]
