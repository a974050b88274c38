"""What is done on a member's own machine: its files, its kubelet, its container; by scripts that can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.core.thing import Site
from providers.core.writing import put
from providers.etcd import etcd_manifest
from providers.etcd.etcdctl import HEALTH, HEALTHY, MANIFEST
from providers.software.containerd_config import MARK
from providers.software.kubelet import DEFAULTS_FILE, UNIT
from providers.software.kubelet_config import FILE

THING = "etcd_member"
DROP_IN = "/etc/systemd/system/kubelet.service.d/20-helicon-etcd.conf"
DROP_IN_TEXT = f"""{MARK}
# Sorts after kubeadm's: this kubelet belongs to no cluster, it only runs the pods of its manifests.
[Service]
EnvironmentFile=-{DEFAULTS_FILE}
ExecStart=
ExecStart=kubelet --config={FILE} $KUBELET_EXTRA_ARGS
"""
FILES = (MANIFEST, DROP_IN)
STOP_TIMEOUT = 240.0

_LEFT = """
[ -e "$1" ] && echo manifest; [ -n "$(ls "$2/member/wal" 2>/dev/null)" ] && echo data; exit 0
"""
# In two steps, as the kubelet reads every file of that directory that does not begin with a dot.
_PLACE = """
set -eu; umask 077; mkdir -p "${1%/*}"
cat > /etc/kubernetes/.etcd.yaml; sync /etc/kubernetes/.etcd.yaml; mv -T /etc/kubernetes/.etcd.yaml "$1"
"""
_START = """
systemctl daemon-reload && systemctl unmask -q "$1" && systemctl reset-failed "$1"
systemctl "$2" "$1"
"""
# The kubelet ends a pod whose manifest is gone; where it does not run, the container is told itself.
_STOP = """
rm -f -- "$1"; count=0
running() {
  for id in $(ctr -n k8s.io containers list -q 'labels."io.kubernetes.container.name"==etcd' 2>/dev/null); do
    ctr -n k8s.io tasks list 2>/dev/null | grep -q "^$id .*RUNNING" && echo "$id"
  done
}
while ids=$(running); [ -n "$ids" ]; do
  count=$((count + 1)); signal=
  if [ $count -gt 100 ]; then exit 1
  elif [ $count -gt 60 ]; then signal=KILL
  elif [ $count -gt 40 ] || ! systemctl is-active -q kubelet; then signal=TERM; fi
  [ -z "$signal" ] || for id in $ids; do ctr -n k8s.io tasks kill -s $signal "$id"; done
  sleep 2
done
exit 0
"""
_WIPE = 'rm -rf -- "$1/member"; sync -f "$1" 2>/dev/null; exit 0'
_QUIET = """
systemctl stop "$1" 2>/dev/null
rmdir --ignore-fail-on-non-empty -- "$2" /etc/kubernetes/manifests 2>/dev/null
rmdir -p --ignore-fail-on-non-empty /usr/libexec/kubernetes/kubelet-plugins/volume/exec 2>/dev/null; exit 0
"""


def left(site: Site, wanted: Mapping[str, Any]) -> list[str]:
    """What of a member the machine has: its `manifest`, its `data`."""
    argv = ["sh", "-c", _LEFT, "left", MANIFEST, str(wanted["data_directory"])]
    return site.host.run(argv).text.split()


def begun(site: Site) -> bool:
    """Whether this program began to make the machine a member, by its journal."""
    return bool(site.journal.recall(THING, ["name"]))


def place(site: Site, wanted: Mapping[str, Any], initial: Mapping[str, str]) -> None:
    """Put the manifest and the kubelet's drop-in there, after noting what was there before."""
    site.journal.remember(THING, {"name": str(wanted["name"])})
    site.journal.keep_files(FILES)
    verb = "start"
    if site.host.run(["cat", DROP_IN], check=False).text != DROP_IN_TEXT.rstrip():
        put(site, DROP_IN, DROP_IN_TEXT)
        verb = "restart"
    pod = etcd_manifest.text(wanted, initial).encode()
    site.host.run(["sh", "-c", _PLACE, "place", MANIFEST], stdin=pod)
    site.host.run(["sh", "-c", _START, "start", UNIT, verb], timeout=120)


def initial(site: Site) -> dict[str, str] | None:
    """How the member's manifest says that it began; None where there is none of ours."""
    found = etcd_manifest.parse(site.host.run(["cat", MANIFEST], check=False).text)
    return found[1] if found else None


def stop(site: Site) -> None:
    """Take the manifest away and wait until the container has ended; its data stays."""
    argv = ["sh", "-c", _STOP, "stop", MANIFEST]
    site.host.run(argv, timeout=STOP_TIMEOUT)


def wipe(site: Site, wanted: Mapping[str, Any]) -> None:
    """Stop the member and delete its data."""
    stop(site)
    site.host.run(["sh", "-c", _WIPE, "wipe", str(wanted["data_directory"])], timeout=180)


def give_back(site: Site, wanted: Mapping[str, Any]) -> None:
    """Wipe, and put back what was there before; nothing where nothing was ever begun."""
    if not begun(site):
        return
    wipe(site, wanted)
    argv = ["sh", "-c", _QUIET, "quiet", UNIT, str(wanted["data_directory"])]
    site.host.run(argv, timeout=180)
    site.journal.restore_files(FILES)
    site.host.run(["systemctl", "daemon-reload"])
    site.journal.forget(THING, ["name"])


def healthy(site: Site) -> bool:
    """Whether the machine's own member takes part in a quorum."""
    return site.host.run(HEALTH).text == HEALTHY
