# The limit: everything in one script, which one ssh runs on each machine, all machines at once.
# It checks before it changes, as a careful person's script would, and says what it changed; with
# `dry` it only says. Arguments: dry or wet, name, address. Above this line stand the functions'
# data: `wanted_files`, `wanted_sysctl` and `wanted_lists`.
set -eu
mode=$1; name=$2; address=$3
change() { echo "$1"; [ "$mode" = wet ]; }

[ "$(cat /etc/hostname)" = "$name" ] || ! change hostname || echo "$name" >/etc/hostname
[ "$(hostname)" = "$name" ] || ! change 'running hostname' || hostname "$name"
line() { grep -qxF -- "$1" /etc/hosts || ! change "hosts $1" || echo "$1" >>/etc/hosts; }
line "$address $name"; line "$endpoint_address $endpoint"
[ "$(readlink /etc/localtime)" = "/usr/share/zoneinfo/$zone" ] || ! change zone ||
  ln -sfn "/usr/share/zoneinfo/$zone" /etc/localtime

reload=; journal=
file() { # path mode, text on standard input
  new=$(mktemp); cat >"$new"
  if ! cmp -s "$new" "$1" || [ "$(stat -c '%a %U %G' "$1")" != "$2 root root" ]; then
    if change "file $1"; then
      install -D -o root -g root -m "$2" "$new" "$1"
      case $1 in *.service) reload=yes;; */journald.conf.d/*) journal=yes;; esac
    fi
  fi
  rm "$new"
}
wanted_files
[ -z "$reload" ] || systemctl daemon-reload
[ -z "$journal" ] || systemctl restart systemd-journald

for module in $modules; do
  [ -d "/sys/module/$module" ] || grep -qw "$module" /proc/filesystems ||
    { [ "$module" = br_netfilter ] && [ -d /proc/sys/net/bridge ]; } || ! change "module $module" || modprobe "$module"
done
set_live() {
  path=/proc/sys/$(echo "$1" | tr . /)
  [ "$(cat "$path")" = "$2" ] || ! change "sysctl $1" || echo "$2" >"$path"
}
wanted_sysctl
grep -q '^[^#].*[[:space:]]swap[[:space:]]' /etc/fstab && change 'swap at start' &&
  sed -i 's/^[^#].*[[:space:]]swap[[:space:]].*$/# &/' /etc/fstab
[ "$(wc -l </proc/swaps)" -eq 1 ] || ! change 'swap now' || swapoff -a

getent passwd "$deployer" >/dev/null || ! change user || useradd -m -U -s /bin/bash "$deployer"
if getent passwd "$deployer" >/dev/null; then
  id -nG "$deployer" | grep -qw "$group" || ! change group || usermod -aG "$group" "$deployer"
  keys=/home/$deployer/.ssh/authorized_keys
  if ! grep -qxF -- "$key" "$keys" 2>/dev/null && change key; then
    install -d -o "$deployer" -g "$deployer" -m 700 "${keys%/*}"
    echo "$key" >>"$keys"; chown "$deployer:$deployer" "$keys"; chmod 600 "$keys"
  fi
fi
# shellcheck disable=SC2086
[ "$(dpkg-query -W -f '${db:Status-Status}\n' $packages 2>/dev/null | grep -cx installed)" -eq "$count" ] ||
  ! change packages || apt-get install -y $packages
for unit in $units; do
  systemctl is-enabled -q "$unit" && systemctl is-active -q "$unit" || ! change "unit $unit" ||
    systemctl enable -q --now "$unit"
done
! systemctl is-enabled -q "$disabled" && ! systemctl is-active -q "$disabled" || ! change "$disabled" ||
  systemctl disable -q --now "$disabled"
