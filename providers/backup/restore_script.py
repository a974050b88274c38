"""The steps of a restore on one machine, each safe to repeat; run as sh -c STEPS restore STEP ARGUMENTS.

Nothing is ever deleted but what a restore itself made: the former data is renamed. Where the data
directory is a file system of its own, what is new and what is set aside lie inside it, else beside it.
"""

from __future__ import annotations

from providers.backup.backup_script import MANIFEST, MEMBER
from providers.control_plane.manifests import SAVED

WORK = "/var/lib/helicon/restore"
SNAPSHOT = f"{WORK}/snapshot.db"

_STEPS = r"""
choose_manifest() {
  for manifest in "$placed/etcd.yaml" "$work/manifests/etcd.yaml" "$saved/etcd.yaml"; do
    [ ! -e "$manifest" ] || break
  done
  [ -e "$manifest" ] || fail "no $placed/etcd.yaml: this machine has no etcd member"
  data=$(option data-dir) name=$(option name) root=""
  area=$data.helicon
  [ ! -d "$data" ] || [ "$(stat -c %d "$data")" = "$(stat -c %d "${data%/*}/")" ] || area=$data/.helicon
}
runs() {
  for one in /proc/[0-9]*; do
    case $(cat "$one/comm" 2>/dev/null) in
      kube-apiserver) ;;
      etcd) tr '\0' '\n' < "$one/cmdline" 2>/dev/null | grep -qxF -- "--data-dir=$data" || continue ;;
      *) continue ;;
    esac
    return 0
  done
  return 1
}
from_image() {
  image=$(sed -n 's|^ *image: *||p' "$manifest" | tr -d "\"'" | head -n 1)
  mkdir -p "$work/image"; bin=usr/local/bin; new=$work/tools.new; copied=1
  if command -v ctr >/dev/null && ctr -n k8s.io images mount "$image" "$work/image" >/dev/null 2>&1; then
    cp "$work/image/$bin/etcdctl" "$work/image/$bin/etcdutl" "$new/" && copied=0
    ctr -n k8s.io images unmount --rm "$work/image" >/dev/null
  elif command -v docker >/dev/null && container=$(docker create "$image" etcdutl); then
    docker cp "$container:/$bin/etcdctl" "$new/" >/dev/null &&
      docker cp "$container:/$bin/etcdutl" "$new/" >/dev/null && copied=0
    docker rm "$container" >/dev/null
  fi
  return $copied
}
bring_tools() {
  [ ! -d "$work/tools" ] || return 0
  rm -rf "$work/tools.new"; mkdir -p "$work/tools.new"
  running=$(find_member 2>/dev/null; printf %s "$tools") || running=""
  if [ -n "$running" ]; then cp "$running/etcdctl" "$running/etcdutl" "$work/tools.new/"
  else from_image || fail "no etcdutl: etcd does not run, and its image is not here"; fi
  mv -T "$work/tools.new" "$work/tools"
}
look() {
  printf '%s\n' "$name" "$(option initial-advertise-peer-urls)" "$data" "$area"
  if runs; then echo running; else echo stopped; fi
}
room() {
  mkdir -p "$work"; mkdir -p -m 0700 "$data" "$area"
  set -- "$1" $(stat -f -c '%a %S' "$area") $(stat -f -c '%a %S' "$work")
  [ $(($2 * $3)) -gt $(($1 * 2 + 134217728)) ] || fail "only $(($2 * $3)) bytes are free in $area"
  [ $(($4 * $5)) -gt $(($1 * 2 + 134217728)) ] || fail "only $(($4 * $5)) bytes are free in $work"
}
prepare() {
  [ "$(sha256sum < "$work/snapshot.db" | cut -c 1-64)" = "$1" ] || fail "the snapshot came damaged"
  bring_tools
  "$work/tools/etcdutl" snapshot status -w json "$work/snapshot.db" || fail "etcdutl refuses the snapshot"
  mkdir -p -m 0700 "$data" "$area"; rm -rf "$area/new"
  "$work/tools/etcdutl" snapshot restore "$work/snapshot.db" --data-dir "$area/new" --name "$name" \
    --initial-cluster "$2" --initial-cluster-token "$3" \
    --initial-advertise-peer-urls "$(option initial-advertise-peer-urls)" \
    --bump-revision 1000000000 --mark-compacted > "$work/restore.log" 2>&1 || fail "$(tail -n 5 "$work/restore.log")"
  sync -f "$area/new"
}
stop() {
  mkdir -p "$work/manifests"
  systemctl is-active -q kubelet.service || systemctl start kubelet.service ||
    fail "the kubelet, which stops etcd, does not run"
  for one in kube-apiserver kube-controller-manager kube-scheduler etcd; do
    for from in "$placed/$one.yaml" "$work/manifests/$one.yaml" "$saved/$one.yaml"; do
      [ -e "$from" ] || continue
      [ "$from" = "$work/manifests/$one.yaml" ] || {
        cp -p "$from" "$work/manifests/.new"; sync "$work/manifests/.new"
        mv "$work/manifests/.new" "$work/manifests/$one.yaml"
      }
      rm -f "$placed/$one.yaml"; break
    done
  done
  for _ in $(seq "$1"); do runs || return 0; sleep 1; done
  fail "etcd or the API server still runs after $1 s"
}
swap() {
  [ -d "$area/new/member" ] || fail "nothing is prepared in $area"
  mkdir -p "$area/before-$1"
  [ ! -e "$data/member" ] || mv -T "$data/member" "$area/before-$1/member"
  mv -T "$area/new/member" "$data/member"
  rm -rf "$area/new"; sync -f "$area"
}
unswap() {
  [ -d "$area/before-$1" ] || return 0
  [ ! -e "$data/member" ] || { mkdir -p "$area/new"; mv -T "$data/member" "$area/new/member"; }
  [ ! -e "$area/before-$1/member" ] || mv -T "$area/before-$1/member" "$data/member"
  rmdir "$area/before-$1"
}
aside() {
  # out of the data directory, which has to be empty for a member that joins
  mkdir -p "/var/lib/helicon/etcd-before-$1"
  [ ! -e "$data/member" ] || mv -T "$data/member" "/var/lib/helicon/etcd-before-$1/member"
  rmdir "$area" 2>/dev/null || true
}
unaside() {
  [ ! -e "/var/lib/helicon/etcd-before-$1/member" ] || [ -e "$data/member" ] ||
    mv -T "/var/lib/helicon/etcd-before-$1/member" "$data/member"
  rmdir "/var/lib/helicon/etcd-before-$1" 2>/dev/null || true
}
start() {
  for one; do
    [ -e "$work/manifests/$one.yaml" ] || continue
    cp -p "$work/manifests/$one.yaml" "/etc/kubernetes/.$one"; mv "/etc/kubernetes/.$one" "$placed/$one.yaml"
    rm "$work/manifests/$one.yaml"
  done
}
health() { tools=$work/tools; etcdctl endpoint health --command-timeout=5s >/dev/null 2>&1; }
finish() { rm -rf "$work" "$area/new"; rmdir "$area" 2>/dev/null || true; }
step=$1; shift
case $step in api_*) data="" area=$work; step=${step#api_} ;; *) choose_manifest ;; esac
"$step" "$@"
"""

STEPS = f"set -eu; umask 077\nwork={WORK} saved={SAVED} placed={MANIFEST.rpartition('/')[0]}{MEMBER}{_STEPS}"
"""One step by name. A machine with an API server and no etcd member takes api_stop, api_start, api_finish."""
