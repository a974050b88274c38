"""A control plane that hands over before it goes: its API server first, then its member of etcd."""

from __future__ import annotations

from providers.core.thing import Site
from providers.membership.admin import Admin
from providers.membership.remains import forget_member

DEPARTING = "/var/lib/helicon/departing"
"""On a control plane that has begun to leave: from then on it is no member, whatever else it holds."""

# A stopping API server fails /readyz while it still serves, so that load balancers turn to the others.
# The kubelet looks for manifests every 20 s and gives a pod 30 s to end; one that it does not stop is
# stopped here.
_STOP_API = """
: > "$1"; sync "$1"
rm -f /etc/kubernetes/manifests/kube-apiserver.yaml
running() { grep -lsx kube-apiserver /proc/[0-9]*/comm; }
waited=0
while running >/dev/null; do
  waited=$((waited + 1))
  if [ "$waited" = 75 ]; then
    running | while IFS=/ read -r nothing proc process rest; do kill "$process" 2>/dev/null; done
  fi
  [ "$waited" -lt 100 ] || break
  sleep 1
done
exit 0
"""


def hand_over(site: Site, admin: Admin, node: str) -> None:
    """Stop the API server so that load balancers see it go, then take the machine's member out of etcd."""
    site.say("API server: out of the load balancers")
    site.host.run(["sh", "-c", _STOP_API, "stop", DEPARTING], timeout=150)
    site.say("etcd: member removed")
    forget_member(admin, node)
