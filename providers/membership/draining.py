"""A node emptied of its pods, and a node that takes pods again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.core.errors import Refused
from providers.core.host import Completed
from providers.core.thing import Site
from providers.membership.admin import Admin

DRAIN = 300.0
"""Seconds for all pods of a node to end elsewhere."""
CORDONED = "/var/lib/helicon/cordoned"
"""On a node that we cordoned for a while: whoever finds it afterwards lets pods in again."""
_GONE = "--skip-wait-for-delete-timeout=1"
"""Nobody ends the pods of a node whose kubelet is silent: they are not waited for."""


def node_object(admin: Admin, node: str) -> dict[str, Any] | None:
    """The Node object; None where there is none."""
    items: list[dict[str, Any]] = admin.get("nodes", f"--field-selector=metadata.name={node}")["items"]
    return items[0] if items else None


def is_ready(node: Mapping[str, Any]) -> bool:
    """Whether its kubelet says that it is ready, and was heard lately."""
    conditions = node.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def drain(admin: Admin, node: Mapping[str, Any], *, for_good: bool) -> None:
    """Evict the node's pods; raises Refused with what stands in the way.

    For good, pods that nothing will make anew go as well; else they stand in the way.
    """
    name = str(node["metadata"]["name"])
    words = ["--ignore-daemonsets", "--delete-emptydir-data", *(["--force"] if for_good else [])]
    words += [] if is_ready(node) else [_GONE]
    done = admin.kubectl("drain", name, *words, f"--timeout={DRAIN:.0f}s", timeout=DRAIN + 30, check=False)
    if not done.ok:
        raise Refused(
            host=name,
            item="draining",
            expected="all pods evicted to other nodes",
            found=_obstacle(done),
            next_step=(
                f"kubectl get pdb -A; kubectl get pods -A --field-selector spec.nodeName={name}; "
                "make room for them, or delete what stands in the way, then pulumi up again"
            ),
        )


def _obstacle(done: Completed) -> str:
    """The last refusals that kubectl printed, each once."""
    lines = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines()]
    errors = [line for line in lines if line.startswith("error") or "Cannot evict" in line]
    return "; ".join(dict.fromkeys(errors[-6:] or lines[-3:])) or f"status {done.exit_status}"


def cordon(site: Site, admin: Admin, node: str) -> None:
    """Let no further pods in, and note on the machine that it was us."""
    site.host.run(["touch", CORDONED])
    admin.kubectl("cordon", node)


def uncordon(site: Site, admin: Admin, node: str) -> None:
    """Let pods in again; only then the note goes."""
    admin.kubectl("uncordon", node)
    site.host.run(["rm", "-f", CORDONED])
