"""The endpoint by which the kubelet of a node in a zone reaches the API.

kubeadm writes the cluster's own endpoint into the kubelet's kubeconfig, whatever a node joined by,
and has no option for it. kube-proxy goes to the cluster's own endpoint as well, by a ConfigMap that
all nodes share: in a zone that name stands for the zone's endpoint in /etc/hosts, which host network
pods see, too (components/properties.py: hosts). Where the cluster's endpoint is an address instead
of a name, the nodes of a zone must be able to reach that address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from providers.membership.admin import KUBELET_CONF

PENDING = "/run/helicon-endpoint"
"""There from before the file changes until the kubelet was restarted; gone with a restart of the machine."""
UNUSED = " (not in use)"
"""After an endpoint that the file names and the running kubelet has not read."""

_OBSERVE = f"""
sed -n 's|^ *server: https://||p' {KUBELET_CONF} 2>/dev/null | head -n 1
[ ! -e {PENDING} ] || echo pending
"""
_ASK: Argv = ("sh", "-c", _OBSERVE, "endpoint")
_POINT = f"""
set -eu; conf={KUBELET_CONF}
[ -e "$conf" ] || {{ rm -f {PENDING}; exit 0; }}
: > {PENDING}
umask 077; cp -p "$conf" "$conf.helicon"
sed "s|^\\( *server: https://\\).*|\\1$1|" "$conf" > "$conf.helicon"; sync "$conf.helicon"
mv -T "$conf.helicon" "$conf"
systemctl restart kubelet.service
rm -f {PENDING}
"""


@dataclass(frozen=True, kw_only=True)
class EndpointState:
    """Host and port that the kubelet's kubeconfig names (None: no kubeconfig), and whether it is in use."""

    server: str | None
    used: bool = True


class Endpoint(Thing[EndpointState]):
    """The server of the kubelet's kubeconfig; a change restarts the kubelet once."""

    name = "endpoint"

    def parse(self, value: Json) -> EndpointState:
        """From "host:port"."""
        said = str(value)
        if said == ABSENT:
            return EndpointState(server=None)
        return EndpointState(server=said.removesuffix(UNUSED), used=not said.endswith(UNUSED))

    def render(self, state: EndpointState) -> Json:
        """To "host:port"."""
        return ABSENT if state.server is None else state.server + ("" if state.used else UNUSED)

    def questions(self, managed: EndpointState) -> Sequence[Argv]:
        """The kubeconfig's server."""
        return [_ASK]

    def observe(self, site: Site, managed: EndpointState) -> EndpointState:
        """The server that the kubelet's kubeconfig names."""
        (answer,) = site.host.ask([_ASK])
        return parse(answer.text)

    def plan(self, current: EndpointState, desired: EndpointState) -> list[Change]:
        """One change where another server is named, or the kubelet has not read it yet."""
        if current == desired or desired.server is None:
            return []
        was = None if current.server is None else str(self.render(current))
        return [Change(field="server", was=was, now=desired.server)]

    def apply(self, site: Site, changes: Sequence[Change], desired: EndpointState) -> None:
        """Rewrite the one line in one step, then restart the kubelet."""
        (change,) = changes
        if change.was is not None:
            site.journal.remember(self.name, {"server": str(change.was).removesuffix(UNUSED)})
        _point(site, desired.server or "")

    def remove(self, site: Site, managed: EndpointState) -> None:
        """The endpoint that kubeadm wrote; a machine that leaves has its whole kubeconfig taken away."""
        before = site.journal.recall(self.name, ["server"])
        if before and not site.leaving:
            _point(site, before["server"])
        site.journal.forget(self.name, before)

    def minus(self, old: EndpointState, new: EndpointState) -> EndpointState | None:
        """One value has no parts."""
        return None


def parse(text: str) -> EndpointState:
    """The state from the answer: the server, then whether the kubelet has not been restarted since."""
    *rest, last = text.splitlines() or [""]
    pending = last == "pending"
    server = (rest[0] if rest else "") if pending else last
    return EndpointState(server=server or None, used=not pending or not server)


def _point(site: Site, server: str) -> None:
    site.host.run(["sh", "-c", _POINT, "point", server], timeout=180)
