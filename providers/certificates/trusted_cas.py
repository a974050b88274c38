"""The cluster CAs that a member trusts: its kubelet's bundle, and the CA data in its kubeconfigs.

On a worker the bundle is written here; on a control plane it is among the PKI files already.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from providers.certificates.authorities import CLUSTER, certificates
from providers.control_plane import static_pods
from providers.control_plane.static_pods import CONTROLLER_MANAGER, KUBELET, SCHEDULER
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from providers.membership.admin import ADMIN_CONF, CACHE, Admin

READERS = {
    CLUSTER: KUBELET,
    "/etc/kubernetes/kubelet.conf": KUBELET,
    "/etc/kubernetes/controller-manager.conf": CONTROLLER_MANAGER,
    "/etc/kubernetes/scheduler.conf": SCHEDULER,
}
"""What reads a file and has to start anew; nothing that runs reads the administrators' kubeconfigs."""
UNREAD = "(not read yet)"

CLUSTER_INFO = "cluster-info"
"""No file: the ConfigMap by which joining machines learn the CAs; read and written on control planes."""
_INFO = ("configmap", CLUSTER_INFO, "--namespace", "kube-public")

_LOOK = f"""
authorities() {{ sed -n 's/^ *certificate-authority-data: *//p' "$@" | head -n 1; }}
for path; do
  case $path in
  {CLUSTER_INFO})
    found=$(kubectl --kubeconfig {ADMIN_CONF} --cache-dir {CACHE} --request-timeout=5s get {" ".join(_INFO)} \\
      -o 'jsonpath={{.data.kubeconfig}}' 2>/dev/null | authorities)
    echo "${{found:-unknown}}" ;;
  *) if [ ! -e "$path" ]; then echo absent
    elif [ "${{path%.conf}}" != "$path" ]; then echo "$(authorities "$path")"
    else base64 -w0 < "$path"; echo; fi ;;
  esac
done
"""
_PUT = """
set -eu; umask 077; path=$1
case $path in
*.conf)
  cp -p "$path" "$path.helicon"
  data=$(base64 -w0)
  sed -i "s|^\\( *certificate-authority-data:\\).*|\\1 $data|" "$path.helicon" ;;
*) cat > "$path.helicon"; chmod 0644 "$path.helicon" ;;
esac
sync "$path.helicon"; mv "$path.helicon" "$path"
"""


@dataclass(frozen=True, kw_only=True)
class TrustedCasState:
    """Bundles (PEM) by path; None where there is no such file, UNREAD where its reader has not started anew."""

    bundles: dict[str, str | None] = field(default_factory=dict)


class TrustedCas(Thing[TrustedCasState]):
    """Which CAs a member trusts, file by file."""

    name = "trusted_cas"

    def parse(self, value: Json) -> TrustedCasState:
        """From {"path": "PEM"}."""
        pairs = cast(dict[str, str], value)
        return TrustedCasState(bundles={path: None if pem == ABSENT else pem for path, pem in pairs.items()})

    def render(self, state: TrustedCasState) -> Json:
        """To {"path": "PEM"}."""
        return {path: ABSENT if pem is None else pem for path, pem in state.bundles.items()}

    def questions(self, managed: TrustedCasState) -> Sequence[Argv]:
        """The bundles, and what has not read them yet."""
        return [("sh", "-c", _LOOK, "trust", *sorted(managed.bundles)), static_pods.PENDING]

    def observe(self, site: Site, managed: TrustedCasState) -> TrustedCasState:
        """The managed text itself where the certificates are the same, or where there is nothing to hold them."""
        found, pending = site.host.ask(self.questions(managed))
        waiting = static_pods.pending(pending)
        lines = dict(zip(sorted(managed.bundles), found.text.splitlines(), strict=False))
        seen: dict[str, str | None] = {}
        for path, wanted in managed.bundles.items():
            pem = _decoded(lines.get(path, "absent"))
            if _same(pem, wanted) or (pem is None and path != CLUSTER):
                pem = wanted
            unread = pem == wanted and READERS.get(path) in (waiting or [])
            seen[path] = UNREAD if unread else pem
        return TrustedCasState(bundles=seen)

    def plan(self, current: TrustedCasState, desired: TrustedCasState) -> list[Change]:
        """One change for each file that holds other CAs."""
        return [
            Change(field=path, was=_said(current.bundles.get(path)), now=_said(desired.bundles[path]))
            for path in sorted(desired.bundles)
            if current.bundles.get(path) != desired.bundles[path]
        ]

    def apply(self, site: Site, changes: Sequence[Change], desired: TrustedCasState) -> None:
        """Write the bundles; what reads them starts anew, control planes in turn."""
        paths = [change.field for change in changes]
        affected = sorted({READERS[path] for path in paths if path in READERS})
        static_pods.note(site, affected)
        for path in paths:
            pem = desired.bundles[path] or ""
            if path == CLUSTER_INFO:
                _tell(site, pem)
            else:
                site.host.run(["sh", "-c", _PUT, "trust", path], stdin=pem.encode())
        static_pods.restart_in_turn(site, affected)

    def remove(self, site: Site, managed: TrustedCasState) -> None:
        """Nothing to put back: kubeadm made these files when the machine joined, and its reset takes them."""

    def minus(self, old: TrustedCasState, new: TrustedCasState) -> TrustedCasState | None:
        """What is no longer listed is left as it is."""
        return None


def _tell(site: Site, pem: str) -> None:
    """Write the CAs into the ConfigMap; the controller manager signs it anew."""
    admin = Admin(site.host)
    text = str(admin.get(*_INFO)["data"]["kubeconfig"])
    data = base64.b64encode(pem.encode()).decode()
    told = re.sub(r"(certificate-authority-data:).*", rf"\1 {data}", text)
    patch = json.dumps({"data": {"kubeconfig": told}})
    admin.kubectl("patch", *_INFO, "--type=merge", "--patch-file", "/dev/stdin", stdin=patch.encode())


def _decoded(line: str) -> str | None:

    if line in ("absent", "unknown"):
        return None
    try:
        return base64.b64decode(line, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _same(found: str | None, wanted: str | None) -> bool:
    return found is not None and wanted is not None and certificates(found) == certificates(wanted)


def _said(pem: str | None) -> str | None:
    """A bundle as a preview shows it: how many certificates, and the ends of their texts."""
    if pem in (None, UNREAD):
        return pem
    known = certificates(pem or "")
    return ", ".join(f"…{one[-12:]}" for one in known) or "(no certificate)"
