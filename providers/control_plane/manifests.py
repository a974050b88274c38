"""The static pods of a control plane written anew by kubeadm, and put in place one after the other.

`kubeadm upgrade` writes them by the same functions (CreateLocalEtcdStaticPodManifestFile and
CreateInitStaticPodManifestFiles in cmd/kubeadm/app/phases/upgrade/staticpods.go).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from providers.core.host import Host
from providers.core.thing import Site
from providers.membership import kubeadm_config
from providers.membership.kubeadm_reset import LOCK

MANIFESTS = "/etc/kubernetes/manifests"
SAVED = "/var/lib/helicon/manifests"
STAGED = "/run/helicon-staged"
"""What kubeadm writes before anything is put in place; gone with a reboot."""
SWITCHING = 900.0
"""Seconds for the script that puts manifests in place; its own waits end before."""

_LABEL = "helicon/started"
"""When a static pod was last started anew, seconds since the epoch: nothing reads it."""
_ETCD = f"cat {MANIFESTS}/etcd.yaml 2>/dev/null || cat {SAVED}/etcd.yaml 2>/dev/null; exit 0"
_STAGE = f"""
exec 9>{LOCK}; flock 9
set -eu; umask 077; rm -rf {STAGED}; mkdir -p {STAGED}/manifests {STAGED}/patches
cat > {STAGED}/kubeadm.yaml
while [ $# -gt 0 ]; do printf '%s' "$2" > "{STAGED}/patches/$1"; shift 2; done
export KUBEADM_INIT_DRYRUN_DIR={STAGED}/manifests
for phase in "etcd local" "control-plane all"; do
  kubeadm init phase $phase --dry-run --config {STAGED}/kubeadm.yaml >/dev/null
done
for file in {STAGED}/manifests/*.yaml; do  # a label alone is no difference
  label=$(grep -h '^    {_LABEL}: ' "{MANIFESTS}/${{file##*/}}" 2>/dev/null || :)
  [ -z "$label" ] || sed -i "s|^  labels:\\$|&\\n$label|" "$file"
done
cat {STAGED}/manifests/etcd.yaml 2>/dev/null || :  # none where etcd has machines of its own
"""
_RENEW = f"""
exec 9>{LOCK}; flock 9
set -eu; umask 077; rm -rf {STAGED}; mkdir -p {STAGED}/manifests {SAVED}
for name in etcd kube-apiserver kube-controller-manager kube-scheduler; do
  for file in "{MANIFESTS}/$name.yaml" "{SAVED}/$name.yaml"; do
    if [ -e "$file" ]; then cp "$file" {STAGED}/manifests/; break; fi
  done
done
label="    {_LABEL}: '$(date +%s)'"
for name; do
  file="{STAGED}/manifests/$name.yaml"
  [ ! -e "$file" ] || sed -i -e '\\|^    {_LABEL}: |d' -e "s|^  labels:\\$|&\\n$label|" "$file"
done
for file in {STAGED}/manifests/*.yaml; do [ ! -e "$file" ] || cp "$file" {SAVED}/; done; sync
"""
_SWITCH = f"""
exec 9>{LOCK}; flock 9
set -eu
differs() {{ [ -e "$from/$1.yaml" ] && ! cmp -s "$from/$1.yaml" "{MANIFESTS}/$1.yaml"; }}
place() {{ cp "$from/$1.yaml" "/etc/kubernetes/.$1"; sync; mv "/etc/kubernetes/.$1" "{MANIFESTS}/$1.yaml"; }}
# the component's process; the kernel keeps 15 letters of a name, and pods may run an etcd of their own
process() {{
  for one in /proc/[0-9]*; do
    {{ read -r name < "$one/comm"; }} 2>/dev/null || continue
    [ "$name" = "$(printf '%.15s' "$1")" ] || continue
    if tr '\\0' '\\n' < "$one/cmdline" 2>/dev/null | grep -q /etc/kubernetes/; then echo "${{one#/proc/}}"; fi
  done
}}
ended() {{ # $1: component, $2: its process before
  for try in $(seq 90); do [ -n "$2" ] && [ -d "/proc/$2" ] || return 0; sleep 1; done
  echo "$1 did not end" >&2; return 1
}}
began() {{
  for try in $(seq 90); do [ -z "$(process "$1")" ] || return 0; sleep 1; done
  echo "$1 did not begin" >&2; return 1
}}
renew() {{ old=$(process "$1" | head -n 1); place "$1"; ended "$1" "$old"; began "$1"; }}
from=$1
api=kube-apiserver.yaml
trap '[ -e {MANIFESTS}/$api ] || [ ! -e $from/$api ] || place kube-apiserver' EXIT  # whatever else fails
if differs etcd; then
  # the API server goes first, by its own rules: it says that it is not ready, then ends what was asked
  old=$(process kube-apiserver | head -n 1); rm -f {MANIFESTS}/kube-apiserver.yaml
  ended kube-apiserver "$old"; renew etcd
fi
for component in kube-apiserver kube-controller-manager kube-scheduler; do
  if differs $component; then renew $component; fi
done
"""
_SETTLE = f"""
set -eu; umask 077; rm -rf {kubeadm_config.PATCHES}
if [ -n "$(ls {STAGED}/patches)" ]; then
  mkdir -p {kubeadm_config.PATCHES}; cp {STAGED}/patches/* {kubeadm_config.PATCHES}/
fi
rm -rf {STAGED}; sync
"""
_PATCH = f"""
set -eu; umask 077; rm -rf {kubeadm_config.PATCHES}; mkdir -p {kubeadm_config.PATCHES}
while [ $# -gt 0 ]; do printf '%s' "$2" > "{kubeadm_config.PATCHES}/$1"; shift 2; done
"""


def patch_files(wanted: Mapping[str, Any]) -> list[str]:
    """Names and texts, in turn, of kubeadm's patches: what the pods' containers have otherwise."""
    containers = wanted.get("containers", {})
    patches = {
        name: {"spec": {"containers": [{"name": name, **containers[name]}]}} for name in sorted(containers)
    }
    pairs = ((f"{name}+strategic.json", json.dumps(one, sort_keys=True)) for name, one in patches.items())
    return [word for pair in pairs for word in pair]


def place_patches(host: Host, wanted: Mapping[str, Any]) -> None:
    """Put the patches where kubeadm's init and join look for them; nothing where there are none."""
    if files := patch_files(wanted):
        host.run(["sh", "-c", _PATCH, "patch", *files])


def stage(site: Site, wanted: Mapping[str, Any]) -> None:
    """Let kubeadm write the manifests beside the ones that are in use."""
    present = site.host.run(["sh", "-c", _ETCD, "etcd"]).text
    document = kubeadm_config.init(wanted, patches=f"{STAGED}/patches").encode()
    argv = ["sh", "-c", _STAGE, "stage", *patch_files(wanted)]
    written = site.host.run(argv, stdin=document, timeout=180).text
    etcd = with_members(written, present)
    if etcd != written:
        site.host.run(["tee", f"{STAGED}/manifests/etcd.yaml"], stdin=f"{etcd}\n".encode())


def with_members(written: str, present: str) -> str:
    """etcd's manifest with the members that it joined, as the present one has them.

    kubeadm writes the member alone. etcd heeds it only when it finds no data, and would then begin a
    cluster of its own; with what stands there already it stops instead.
    """
    members = [line for line in present.splitlines() if re.match(r" *- --initial-cluster(-state)?=", line)]
    lines = written.splitlines()
    at = [number for number, line in enumerate(lines) if re.match(r" *- --initial-cluster=", line)]
    return "\n".join([*lines[: at[0]], *members, *lines[at[0] + 1 :]]) if members and at else written


def switch(site: Site, *, back: bool = False) -> str:
    """Put the staged manifests in place, or the former ones back; what failed, if anything did.

    Only what differs is restarted, and each is waited for. Where etcd is restarted, the machine's API
    server ends before and begins after it.
    """
    source = SAVED if back else f"{STAGED}/manifests"
    done = site.host.run(["sh", "-c", _SWITCH, "switch", source], timeout=SWITCHING, check=False)
    return "" if done.ok else done.stderr.decode("utf-8", "replace").strip() or f"status {done.exit_status}"


def renew(site: Site, pods: Sequence[str]) -> str:
    """Start static pods anew whose manifests say nothing else than before; what failed, if anything did.

    To the kubelet a pod with another label is another pod. The same one it would not start at once:
    it waits up to five minutes where that pod has ended several times within ten.
    """
    site.host.run(["sh", "-c", _RENEW, "renew", *pods])
    return switch(site)


def settle(site: Site) -> None:
    """Keep the patches for the next kubeadm, and drop what was staged."""
    site.host.run(["sh", "-c", _SETTLE, "settle"])
