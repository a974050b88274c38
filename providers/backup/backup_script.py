"""The shell that reads etcd's member on a machine: shared by the timer's script, `make backup` and restore.

Everything about the member comes from its static pod's manifest. Its tools and certificates are used
through /proc/PID/root, so that no container runtime is asked, the snapshot is written where it shall
lie, and the low priority of the script holds for what it runs.
"""

from __future__ import annotations

MANIFEST = "/etc/kubernetes/manifests/etcd.yaml"
SCRIPT_PATH = "/usr/local/sbin/helicon-etcd-backup"
CONF = "/etc/helicon/etcd-backup.conf"
CREDENTIALS = "/etc/helicon/etcd-backup.s3"

MEMBER = r"""
fail() { printf 'etcd backup: %s\n' "$*" >&2; exit 1; }
option() { sed -n "s|^ *- *[\"']\{0,1\}--$1=\(.*\)\$|\1|p" "$manifest" | sed "s/[\"']\$//" | head -n 1; }
find_member() {
  [ -e "$manifest" ] || fail "no $manifest: this machine has no etcd member"
  data=$(option data-dir); name=$(option name)
  for one in /proc/[0-9]*; do
    [ "$(cat "$one/comm" 2>/dev/null)" = etcd ] || continue
    words=$(tr '\0' '\n' < "$one/cmdline" 2>/dev/null) || continue
    printf '%s\n' "$words" | grep -qxF -- "--name=$name" || continue
    printf '%s\n' "$words" | grep -qxF -- "--data-dir=$data" || continue
    root=$one/root; exe=$(readlink "$one/exe")
    for tools in "$root${exe%/*}" "$root/usr/local/bin" "$root/usr/bin"; do
      if [ -x "$tools/etcdctl" ] && [ -x "$tools/etcdutl" ]; then return; fi
    done
    fail "no etcdctl and etcdutl beside $exe"
  done
  fail "no etcd process of member $name runs"
}
etcdctl() {
  set -- --endpoints="$(option listen-client-urls | cut -d, -f1)" --dial-timeout=10s "$@"
  cert=$(option cert-file) key=$(option key-file)
  if [ -n "$cert" ]; then
    # a server's certificate need not be good for a client; kubeadm makes this one beside it
    client=${cert%/*}/healthcheck-client
    if [ -e "$root$client.crt" ] && [ -e "$root$client.key" ]; then cert=$client.crt key=$client.key; fi
    set -- --cacert="$root$(option trusted-ca-file)" --cert="$root$cert" --key="$root$key" "$@"
  fi
  "$tools/etcdctl" "$@"
}
take() {
  set -- "$1" "$(stat -c %s "$root$data/member/snap/db")" $(stat -f -c '%a %S' "${1%/*}")
  # a full disk would stop etcd itself
  [ $(($3 * $4)) -gt $(($2 * 5 / 4 + 67108864)) ] ||
    fail "the database has $2 bytes, and only $(($3 * $4)) are free in ${1%/*}"
  etcdctl snapshot save "$1" > /dev/null || fail "no snapshot was taken"
  "$tools/etcdutl" snapshot status -w json "$1" || fail "the snapshot is damaged"
  sync "$1"
}
"""
"""Functions; `manifest` is to be set before. `find_member` sets data, name, root and tools."""

_MAIN = r"""
complain() { printf 'etcd backup: %s\n' "$*" >&2; }
snapshots() { (cd "$1" && ls -1 | grep -E "^etcd-$node-[0-9TZ]+\.db$"); }
rotate() {
  # the one just made stays, whatever a clock without a battery makes of its age
  snapshots "$1" | grep -vxF "$2" | sort -r | tail -n "+$KEEP" | while read -r old; do
    rm -f "$1/$old" "$1/$old.sha256" "$1/$old.s3"
  done
  for left in "$1/etcd-$node-"*.db.sha256 "$1/etcd-$node-"*.db.s3; do
    [ -e "${left%.*}" ] || rm -f "$left"
  done
}
keep() {
  made=etcd-$node-$(date -u +%Y%m%dT%H%M%SZ).db
  printf '%s  %s\n' "$(sha256sum < "$DIRECTORY/.new.db" | cut -c 1-64)" "$made" > "$DIRECTORY/$made.sha256"
  sync "$DIRECTORY/$made.sha256"
  mv "$DIRECTORY/.new.db" "$DIRECTORY/$made"; sync "$DIRECTORY"
  rotate "$DIRECTORY" "$made"
}
copy_files() {
  above=$COPY_DIRECTORY
  while [ ! -d "$above" ]; do above=${above%/*}; above=${above:-/}; done
  if [ "$(stat -c %d "$above")" = "$(stat -c %d "$DIRECTORY")" ]; then
    complain "$COPY_DIRECTORY: not copied: nothing is mounted there"; return 1
  fi
  to=$COPY_DIRECTORY/$node
  mkdir -p "$to" || return 1
  rm -f "$to"/.new.*
  for file in $(snapshots "$DIRECTORY"); do
    [ ! -e "$to/$file" ] || continue
    cp "$DIRECTORY/$file" "$to/.new.db" && cp "$DIRECTORY/$file.sha256" "$to/$file.sha256" || return 1
    sync "$to/.new.db" "$to/$file.sha256"
    [ "$(sha256sum < "$to/.new.db" | cut -c 1-64)" = "$(cut -c 1-64 "$to/$file.sha256")" ] || return 1
    mv "$to/.new.db" "$to/$file" || return 1
  done
  rotate "$to" "$made"
}
put() {
  curl --fail --silent --show-error --retry 3 --connect-timeout 20 --speed-limit 1 --speed-time 120 \
    --config "$credentials" --aws-sigv4 "aws:amz:$S3_REGION:s3" --header "x-amz-content-sha256: $2" \
    --upload-file "$1" --output /dev/null "$3"
}
upload() {
  for file in $(snapshots "$DIRECTORY"); do
    one=$DIRECTORY/$file url=$S3_ENDPOINT/$S3_BUCKET/${S3_PREFIX:+$S3_PREFIX/}$node/$file
    [ "$(cat "$one.s3" 2>/dev/null)" != "$url" ] || continue
    put "$one" "$(cut -c 1-64 "$one.sha256")" "$url" || return 1
    put "$one.sha256" "$(sha256sum < "$one.sha256" | cut -c 1-64)" "$url.sha256" || return 1
    printf '%s\n' "$url" > "$one.s3"
  done
}
. "$conf"
exec 9> /run/lock/helicon-etcd-backup
flock -w 1800 9 || fail "another backup has been running for half an hour"
find_member
node=$(uname -n); node=${node%%.*}
mkdir -p "$DIRECTORY"
rm -f "$DIRECTORY"/.new.*
take "$DIRECTORY/.new.db"
keep
printf 'etcd backup: %s/%s\n' "$DIRECTORY" "$made"
status=0
if [ -n "$COPY_DIRECTORY" ]; then copy_files || { complain "copy to $COPY_DIRECTORY failed"; status=1; }; fi
if [ -n "$S3_ENDPOINT" ]; then upload || { complain "upload to $S3_ENDPOINT failed"; status=1; }; fi
exit $status
"""

SCRIPT = (
    "#!/bin/sh\n# Written by helicon: a snapshot of this machine's etcd member, rotation, and copies.\n"
    f"set -eu; umask 077\nmanifest={MANIFEST} conf={CONF} credentials={CREDENTIALS}{MEMBER}{_MAIN}"
)
"""What the timer runs; without arguments."""
