"""The one question that asks a machine for all facts: reading only, unless the disk is to be measured."""

from __future__ import annotations

from providers.core.host import Argv
from providers.core.journal import ROOT

MODULES = ("overlay", "br_netfilter", "nf_conntrack", "vxlan")
"""What a container runtime, kube-proxy and a pod network ask of the kernel."""
WRITES = 64
"""How often the disk is written to and waited for, where it is measured."""
WRITE_BYTES = 2300
"""Bytes of each: what etcd's documentation has fio write (etcd.io, "Disks")."""

# One fact a line: a word, a blank, the value; words of lists repeat. What a machine lacks is left out. Files
# are read by the shell itself: each program that it starts costs a board more than its answer.
_SCRIPT = r"""
export LC_ALL=C
journal=$1 modules=$2 lookup=$3 writes=$4 bytes=$5
say() { [ -z "$2" ] || printf '%s %s\n' "$1" "$2"; }
first() { line=; [ ! -r "$2" ] || read -r line <"$2" || :; say "$1" "$line"; }
servers() {
  [ ! -r "$2" ] || while read -r key value rest || [ -n "$key" ]; do
    [ "$key" != nameserver ] || say "$1" "$value"
  done <"$2"
}

say now "$(date +%s.%N)"
read -r kernel machine <<END
$(uname -r -m)
END
say kernel "$kernel"; say machine "$machine"
say userland "$(dpkg --print-architecture 2>/dev/null || getconf LONG_BIT 2>/dev/null)"
say os "$(. /etc/os-release 2>/dev/null && printf %s "$PRETTY_NAME")"
[ ! -e /proc/device-tree/model ] || say model "$(tr -d '\000' </proc/device-tree/model)"
first vendor /sys/class/dmi/id/sys_vendor
say page_size "$(getconf PAGESIZE 2>/dev/null)"
first machine_id /etc/machine-id
[ -s /run/systemd/container ] || [ -e /.dockerenv ] && say container yes
[ -e "$journal" ] && say managed yes
[ -e /etc/kubernetes/kubelet.conf ] && say member yes
awk '/^Mem(Total|Available):/ { sub(":", "", $1); print tolower($1) " " $2 }' /proc/meminfo

while read -r name kind size used rest; do
  case $name in Filename) ;; *) say swap "$name $kind $size $used";; esac
done </proc/swaps
for file in /etc/dphys-swapfile /etc/rpi/swap.conf /usr/lib/rpi-swap /etc/default/zramswap \
  /etc/default/armbian-zram-config /etc/systemd/zram-generator.conf; do
  [ -e "$file" ] && say swap_maker "$file"
done
[ ! -r /etc/fstab ] || while read -r device where kind rest || [ -n "$device" ]; do
  case "$device $kind" in "#"*) ;; *" swap") say swap_maker /etc/fstab;; esac
done </etc/fstab

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  read -r controllers </sys/fs/cgroup/cgroup.controllers
  case " $controllers " in *" memory "*) say cgroup "2 memory";; *) say cgroup 2;; esac
else
  controller=
  [ ! -r /proc/cgroups ] || while read -r name hierarchy count enabled; do
    [ "$name $enabled" != "memory 1" ] || controller=memory
  done </proc/cgroups
  say cgroup "1 $controller"
fi

library=/lib/modules/$kernel filesystems=' '
while read -r one two; do filesystems="$filesystems${two:-$one} "; done </proc/filesystems
for module in $modules; do
  if [ -d "/sys/module/$module" ] || [ -z "${filesystems##* $module *}" ]; then how=loaded
  elif [ "$module" = br_netfilter ] && [ -d /proc/sys/net/bridge ]; then how=loaded
  elif tr - _ 2>/dev/null <"$library/modules.builtin" | grep -q "/$module\.ko"; then how=builtin
  elif [ ! -d "$library" ]; then how=unknown
  elif tr - _ 2>/dev/null <"$library/modules.dep" | grep -q "/$module\.ko[^ ]*:"; then how=loadable
  else how=missing; fi
  say module "$module $how"
done

! command -v vcgencmd >/dev/null || say throttled "$(vcgencmd get_throttled 2>/dev/null)"
for alarm in /sys/class/hwmon/hwmon*/in0_lcrit_alarm; do first under_voltage "$alarm"; done
for place in / /var/lib/containerd /var/lib/etcd; do
  near=$place
  while [ ! -e "$near" ]; do near=${near%/*}; near=${near:-/}; done
  df -Pk "$near" 2>/dev/null | { read -r heading; read -r device size used free rest && say disk "$place $size $free"; }
done
count=0
for id in /dev/disk/by-id/wwn-* /dev/disk/by-id/scsi-3*; do [ ! -e "$id" ] || count=$((count + 1)); done
say disk_ids $count

for card in /sys/class/net/*; do
  case ${card##*/} in lo|veth*|cni*|flannel*|cali*|cilium*|docker*|br-*|dummy*|kube*|tun*|nodelocaldns) ;;
    *) first mac "$card/address";; esac
done
ip -o -4 address show 2>/dev/null | awk '{ print "address " $4 }'
for key in /etc/ssh/ssh_host_*_key.pub; do
  [ -e "$key" ] && { read -r kind value rest || [ -n "$kind" ]; } <"$key" && say host_key "$kind $value"
done
servers nameserver /etc/resolv.conf
servers upstream /run/systemd/resolve/resolv.conf
if [ -n "$lookup" ]; then
  if timeout 3 getent hosts "$lookup" >/dev/null 2>&1; then say lookup yes; else say lookup no; fi
fi
if command -v ss >/dev/null; then
  ss -Hltnp 2>/dev/null | awk '{
    port = $4; sub(/.*:/, "", port); name = "?"
    if (match($0, /\(\("[^"]*"/)) name = substr($0, RSTART + 3, RLENGTH - 4)
    print "listens " port " " name }' | sort -u
fi

if [ "$writes" -gt 0 ] && [ ! -e "$journal" ] && [ ! -e /etc/kubernetes/kubelet.conf ]; then
  near=/var/lib/etcd
  [ -d "$near" ] || near=/var/lib
  file=$(mktemp -p "$near" helicon-fsync.XXXXXX) || exit 0
  trap 'rm -f "$file"' EXIT; trap 'exit 143' HUP INT TERM
  say fsync "$writes $(timeout 8 dd if=/dev/zero of="$file" bs="$bytes" count="$writes" oflag=dsync 2>&1 | tail -n 1)"
fi
echo end
"""


def question(*, lookup: str = "", measure: bool = False) -> Argv:
    """What to ask; `lookup` is a name to resolve, `measure` writes a temporary file where etcd will live.

    The disk of a machine that helicon or kubeadm has prepared already is never measured.
    """
    writes = str(WRITES if measure else 0)
    modules = " ".join(MODULES)
    return ("sh", "-c", _SCRIPT, "facts", ROOT, modules, lookup, writes, str(WRITE_BYTES))
