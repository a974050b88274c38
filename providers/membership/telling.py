"""What the cluster itself knows of its settings: kubeadm's ConfigMap, which joining control planes read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from providers.core.host import Host
from providers.membership import kubeadm_config
from providers.membership.admin import Admin
from providers.membership.kubeadm_reset import LOCK

_ADMIN = "/etc/kubernetes/./admin.conf"
"""Not as kubeadm itself writes the path: then it would ask localAPIEndpoint, which may be a machine that
is only about to join (Client in cmd/kubeadm/app/cmd/init.go), instead of the endpoint."""
_PHASE = f"""
exec 9>{LOCK}; flock 9
umask 077; file=$(mktemp -p /run helicon-phase.XXXXXX); cat > "$file"
kubeadm init phase "$@" --kubeconfig {_ADMIN} --config "$file" >&2; status=$?
rm -f "$file"; exit $status
"""


def tell(host: Host, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Tell the cluster, by a control plane, what its settings are; the documents as kubeadm was told."""
    where = ("get", "configmap", "kubeadm-config", "--namespace", "kube-system")
    text = Admin(host).kubectl(*where, "-o", "jsonpath={.data.ClusterConfiguration}").text
    found = yaml.safe_load(text)
    cluster = merged(found, kubeadm_config.cluster(wanted))
    documents = [kubeadm_config.first(wanted), cluster]
    if cluster != found:
        run_phase(host, ["upload-config", "kubeadm"], documents)
    return documents


def merged(found: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """The cluster's settings with ours; its version and endpoint are changed in other ways.

    Where ours say all that is there, kubeadm's defaults beside them are no difference.
    """
    kept = {key: found[key] for key in ("kubernetesVersion", "controlPlaneEndpoint") if key in found}
    return {**found, **{key: _with_defaults(found.get(key), one) for key, one in ours.items()}, **kept}


def _with_defaults(found: Any, ours: Any) -> Any:
    """Ours, with the data directory that kubeadm has written there (it cannot change)."""
    local = found.get("local", {}) if isinstance(found, Mapping) else {}
    if isinstance(ours, Mapping) and "local" in ours and "dataDir" in local:
        return {**ours, "local": {"dataDir": local["dataDir"], **ours["local"]}}
    return ours


def run_phase(host: Host, words: Sequence[str], documents: Sequence[Mapping[str, Any]]) -> None:
    """Run one phase of `kubeadm init` on a control plane of a living cluster."""
    text = kubeadm_config.render(documents).encode()
    host.run(["sh", "-c", _PHASE, "phase", *words], stdin=text, timeout=180)
