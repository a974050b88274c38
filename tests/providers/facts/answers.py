"""Answers to the one question, as boards give them."""

from __future__ import annotations

PI_4 = """\
now 1795249097.987056596
kernel 6.12.47+rpt-rpi-v8
machine aarch64
userland arm64
os Debian GNU/Linux 13 (trixie)
model Raspberry Pi 4 Model B Rev 1.4
page_size 4096
machine_id 3f6de6fafd344d63a1ab2e00f84fe9fa
memtotal 3883212
memavailable 3537524
swap /dev/zram0 partition 2097136 0
swap_maker /etc/rpi/swap.conf
cgroup 2 memory
module overlay loadable
module br_netfilter loadable
module nf_conntrack loaded
module vxlan loadable
throttled throttled=0x0
under_voltage 0
disk / 30503488 26214400
disk /var/lib/containerd 30503488 26214400
disk /var/lib/etcd 30503488 26214400
disk_ids 0
mac dc:a6:32:01:02:03
address 127.0.0.1/8
address 10.0.0.11/24
host_key ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
nameserver 10.0.0.1
lookup yes
listens 22 sshd
end
"""
"""A Raspberry Pi 4 with a fresh system; 10.0.0.11 is cp-1's address."""


def answer(**facts: str | None) -> str:
    """The Pi 4's answer with some lines said otherwise (None: not said); keys may name a list's first word."""
    lines = [line for line in PI_4.splitlines() if line.partition(" ")[0] not in facts]
    said = [f"{word} {value}" for word, values in facts.items() for value in (values or "").splitlines()]
    return "\n".join([*said, *lines]) + "\n"
