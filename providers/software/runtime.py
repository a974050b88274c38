"""The container runtimes of a node: where the kubelet reaches them, and that a member keeps the one it has."""

from __future__ import annotations

from providers.core.errors import Refused
from providers.core.host import Argv
from providers.core.journal import ROOT
from providers.core.thing import Site

SOCKETS = {
    "containerd": "unix:///run/containerd/containerd.sock",
    "docker": "unix:///run/cri-dockerd.sock",
}
"""CRI sockets by runtime, as kubeadm's documentation has them."""
MEMBER: Argv = ("test", "-e", f"{ROOT}/membership.json")


def keep_for_member(site: Site, runtime: str) -> None:
    """Refuse to take a runtime from a machine that stays a member: its pods would be lost."""
    if site.leaving or not site.host.ask([MEMBER])[0].ok:
        return
    raise Refused(
        host=str(site.host),
        item="runtime",
        expected=f"{runtime} for as long as the machine is a member of the cluster",
        found="another one in the stack file",
        next_step=f"take {site.host.name} out of the stack file, pulumi up, put it back with the other, pulumi up",
    )
