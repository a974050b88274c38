"""What `kubeadm reset` does, and what it leaves behind."""

from __future__ import annotations

from providers.core.thing import Site

LOCK = "/run/lock/helicon-kubeadm"
"""Held on the machine while kubeadm runs: what a killed run began goes on, and must not meet its successor."""

_RESET = """
exec 9>LOCK; flock 9
keep=""; skip=""
# nobody is left to be told, or all is said: kubeadm would ask for minutes
case $1 in teardown|left|moving) skip="--skip-phases=remove-etcd-member" ;; esac
case $1 in left|moving) rm -f /etc/kubernetes/admin.conf ;; esac
# what kubeadm signed for the former address
[ "$1" != moving ] || rm -f /etc/kubernetes/pki/etcd/server.* /etc/kubernetes/pki/etcd/peer.*
case $1 in keep-pki|moving) keep=yes ;; esac
if [ -n "$keep" ] && [ -d /etc/kubernetes/pki ]; then
  keep=/var/lib/helicon/pki; rm -rf "$keep"; cp -a /etc/kubernetes/pki "$keep"; sync
else keep=""; fi
if command -v kubeadm >/dev/null; then
  # the socket that this kubelet was given: a machine may have several
  socket=$(cat /var/lib/kubelet/kubeadm-flags.env /var/lib/kubelet/instance-config.yaml 2>/dev/null |
    grep -o 'unix://[^" ]*sock' | head -n 1)
  timeout 240 kubeadm reset --force $skip --cri-socket "${socket:-unix:///run/containerd/containerd.sock}" >&2 || true
fi
systemctl stop kubelet 2>/dev/null
rm -rf /etc/cni/net.d/10-flannel.conflist /run/flannel /run/helicon
rm -rf /var/lib/helicon/manifests /var/lib/helicon/patches /run/helicon-staged
rm -rf /var/lib/helicon/membership.json /var/lib/helicon/departing /var/lib/helicon/cordoned
rmdir --ignore-fail-on-non-empty /etc/cni/net.d /etc/cni 2>/dev/null
# containerd watches the directory, and never again once it was removed
[ -d /etc/cni/net.d ] || systemctl try-restart containerd 2>/dev/null
for link in cni0 flannel.1 kube-ipvs0; do ip link delete "$link" 2>/dev/null; done
ip -o link show type veth | sed -n 's/^[0-9]*: \\(veth[0-9a-f]*\\)@.*/\\1/p' | while read -r link; do
  ip link delete "$link" 2>/dev/null
done
for tool in iptables ip6tables; do
  command -v "$tool-save" >/dev/null || continue
  "$tool-save" | grep -vE 'KUBE-|FLANNEL|CNI-|cali-' | "$tool-restore" 2>/dev/null
done
for family in ip ip6; do nft delete table "$family" kube-proxy 2>/dev/null; done
rm -rf /etc/kubernetes/manifests /etc/kubernetes/*.conf /etc/kubernetes/tmp /var/lib/etcd/member /var/lib/cni
find /var/lib/kubelet -xdev -mindepth 1 -delete 2>/dev/null
rmdir -p --ignore-fail-on-non-empty /usr/libexec/kubernetes/kubelet-plugins/volume/exec 2>/dev/null
[ -n "$keep" ] || rm -rf /etc/kubernetes/pki
find /etc/kubernetes -depth -type d -empty -delete 2>/dev/null
if [ -n "$keep" ]; then
  mkdir -p /etc/kubernetes; rm -rf /etc/kubernetes/pki; cp -a "$keep" /etc/kubernetes/pki; rm -rf "$keep"
fi
exit 0
""".replace("LOCK", LOCK)


def reset(
    site: Site,
    *,
    keep_pki: bool = False,
    teardown: bool = False,
    left: bool = False,
    moving: bool = False,
) -> None:
    """Make the machine a machine that never was a member; doing it twice is fine.

    With `keep_pki` the files that the program placed survive, for another attempt to join. In a
    `teardown` the etcd member is not taken out of a cluster that goes as a whole; one that has `left`
    is out of it already, and when it is `moving`, what names its former address goes as well.
    """
    site.say("kubeadm reset")
    modes = {"keep-pki": keep_pki, "teardown": teardown, "moving": moving, "left": left}
    mode = next((name for name, chosen in modes.items() if chosen), "all")
    site.host.run(["sh", "-c", _RESET, "reset", mode], timeout=420)
