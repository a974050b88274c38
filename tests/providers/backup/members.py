"""An etcd member on a throwaway machine: a kubelet in small, and a stand-in for etcd and its tools.

The stand-in's database is one text file; what reads and starts it is the real shell.
"""

from __future__ import annotations

from tests.local_host import LocalHost
from tests.toolchain.apiserver import binaries

MANIFESTS = "/etc/kubernetes/manifests"
DATABASE = "/var/lib/etcd/member/snap/db"
_ETCD = """#!/bin/sh
for word; do case $word in --data-dir=*) data=${word#*=} ;; esac; done
mkdir -p "$data/member/snap"
[ -e "$data/member/snap/db" ] || echo empty > "$data/member/snap/db"
grep -q broken "$data/member/snap/db" && exit 1
exec sleep 1000 < /dev/null
"""
# exec would change the name that /proc shows
_ETCD = _ETCD.replace("exec sleep 1000 < /dev/null", "while :; do sleep 0.2; done")
_ETCDCTL = """#!/bin/sh
while [ "$#" -gt 0 ]; do
  case $1 in
    save) [ ! -e /run/no-snapshot ] || exit 1; cp /var/lib/etcd/member/snap/db "$2"; exit ;;
    health) ! grep -q broken /var/lib/etcd/member/snap/db || exit 1
      for one in /proc/[0-9]*; do [ "$(cat "$one/comm" 2>/dev/null)" != etcd ] || exit 0; done; exit 1 ;;
  esac
  shift
done
exit 64
"""
_ETCDUTL = """#!/bin/sh
case "$2" in
  status) grep -q damaged "$5" && exit 1; echo '{"revision":7}' ;;
  restore)
    snapshot=$3; echo "$*" > /run/restored
    while [ "$#" -gt 0 ]; do [ "$1" != --data-dir ] || data=$2; shift; done
    [ ! -e /run/no-restore ] || { echo 'Error: hash mismatch' >&2; exit 1; }
    mkdir -p "$data/member/snap"; cat "$snapshot" > "$data/member/snap/db" ;;
esac
"""
_APISERVER = "#!/bin/sh\nwhile :; do sleep 0.2; done\n"
# Starts what has a manifest, ends what has none any more, as the kubelet does with static pods.
_KUBELET = r"""#!/bin/sh
cd /etc/kubernetes/manifests
running() { for one in /proc/[0-9]*; do [ "$(cat "$one/comm" 2>/dev/null)" != "$1" ] || echo "${one#/proc/}"; done; }
while :; do
  for name in etcd kube-apiserver; do
    found=$(running $name)
    if [ -e $name.yaml ] && [ -z "$found" ]; then
      set -- $(sed -n 's/^ *- --/--/p' $name.yaml); setsid $name "$@" > /run/$name.log 2>&1 &
    elif [ ! -e $name.yaml ] && [ -n "$found" ]; then kill $found; fi
  done
  sleep 0.2
done
"""


def manifest(name: str, data: str = "/var/lib/etcd", *more: str) -> str:
    """A static pod's manifest, as kubeadm writes it."""
    words = (
        f"--data-dir={data}",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        "--listen-client-urls=http://127.0.0.1:2379",
        f"--name={name}",
        *more,
    )
    command = "".join(f"    - {word}\n" for word in ("etcd", *words))
    return f"spec:\n  containers:\n  - command:\n{command}    image: registry.example.test/etcd:3.6.8-0\n"


def stand_in(host: LocalHost, name: str = "cp-1") -> None:
    """A machine with a running member of a stand-in, whose database says "first"."""
    programs = {"etcd": _ETCD, "etcdctl": _ETCDCTL, "etcdutl": _ETCDUTL}
    for program, text in programs.items():
        host.write(f"/usr/local/bin/{program}", text, "0755")
    for runtime in ("ctr", "docker"):
        host.write(f"/usr/local/sbin/{runtime}", "#!/bin/sh\nexit 1\n", "0755")
    host.write(DATABASE, "first\n")
    run_member(host, manifest(name))


def real(host: LocalHost, name: str = "cp-1") -> None:
    """A machine with a running etcd of the lab's bundle."""
    for program in ("etcd", "etcdctl", "etcdutl"):
        host.upload(binaries() / program, f"/usr/local/bin/{program}", mode=0o755)
    host.run(["ip", "link", "set", "lo", "up"])
    run_member(host, manifest(name, "/var/lib/etcd", "--listen-peer-urls=http://127.0.0.1:2380", *_CLIENTS))
    await_health(host)


_CLIENTS = (
    "--advertise-client-urls=http://127.0.0.1:2379",
    "--initial-cluster=cp-1=http://127.0.0.1:2380",
)


def run_member(host: LocalHost, text: str) -> None:
    """Give the manifest to a kubelet, and wait until etcd runs."""
    host.stand_in("systemctl")
    host.run(["sh", "-c", "mkdir -p /run/lock /run/units/active && : > /run/units/active/kubelet.service"])
    host.write("/usr/lib/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/kubelet\n")
    host.write("/usr/local/bin/kube-apiserver", _APISERVER, "0755")
    host.write("/usr/local/bin/kubelet-in-small", _KUBELET, "0755")
    host.write(f"{MANIFESTS}/etcd.yaml", text)
    host.run(["sh", "-c", "setsid kubelet-in-small > /run/kubelet.log 2>&1 < /dev/null &"])
    wait(host, "grep -qx etcd /proc/[0-9]*/comm")


def await_health(host: LocalHost) -> None:
    """Wait until the member answers."""
    wait(host, "etcdctl endpoint health >/dev/null 2>&1")


def wait(host: LocalHost, condition: str) -> None:
    """Wait until a shell condition holds on the machine."""
    script = f"for _ in $(seq 100); do if {condition}; then exit 0; fi; sleep 0.2; done; exit 1"
    host.run(["sh", "-c", script])
