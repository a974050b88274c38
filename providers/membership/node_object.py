"""The machine's own Node object, read with its kubelet's credentials, changed as administrator."""

from __future__ import annotations

import json
from typing import Any

from providers.core.errors import Unobservable
from providers.core.host import Argv
from providers.core.thing import Site
from providers.membership.admin import CACHE, KUBELET_CONF, Admin, find_admin

READ = (
    f"[ -e {KUBELET_CONF} ] || exit 3; "
    f'kubectl --kubeconfig {KUBELET_CONF} --cache-dir {CACHE} --request-timeout=5s get node "$(hostname)" -o json'
)
NODE: Argv = ("sh", "-c", READ, "node")
"""A kubelet may read its own Node object, so no control plane needs to be asked."""
NO_MEMBER = 3


def read(site: Site) -> dict[str, Any] | None:
    """The Node object, or None on a machine that is no member; raises Unobservable without an API."""
    (answer,) = site.host.ask([NODE])
    if answer.exit_status == NO_MEMBER:
        return None
    if not answer.ok:
        raise Unobservable(
            host=str(site.host),
            item="Node object",
            expected="an answer of the API",
            found=answer.stderr.decode(errors="replace").strip()[-200:],
            next_step="run pulumi up when the API answers again",
        )
    node: dict[str, Any] = json.loads(answer.text)
    return node


def name(site: Site) -> str:
    """The name under which the machine is registered."""
    node = read(site)
    return site.host.name if node is None else str(node["metadata"]["name"])


def admin(site: Site) -> Admin:
    """An administrator, on this machine where it is a control plane that is ready."""
    here = site.host.name
    return find_admin(site.rack, prefer=[here] if here in site.rack.control_planes() else [])
