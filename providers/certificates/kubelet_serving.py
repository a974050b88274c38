"""The certificate with which a kubelet serves, signed by the cluster's CA for exactly its node.

With `serverTLSBootstrap` a kubelet asks for one, and nobody in Kubernetes approves it: this does, where
the request is the node's own and speaks of no other name or address than the configured ones.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from cryptography import x509
from cryptography.x509.oid import NameOID

from providers.certificates import leaves
from providers.certificates.authorities import CLUSTER
from providers.certificates.leaf_files import VALID
from providers.core.errors import HostError, Refused
from providers.core.host import Argv
from providers.core.thing import ABSENT, Change, Json, Site, Thing
from providers.membership.admin import Admin, find_admin

CERTIFICATE = "/var/lib/kubelet/pki/kubelet-server-current.pem"
SIGNER = "kubernetes.io/kubelet-serving"
USAGES = {"key encipherment", "digital signature", "server auth"}
WAIT = 300.0
"""Seconds for the kubelet to ask, and for the controller manager to sign."""
POLL = 2.0

_AGAIN = f"set -eu; rm -f {CERTIFICATE}; systemctl restart kubelet"


@dataclass(frozen=True, kw_only=True)
class KubeletServingState:
    """For whom the certificate is, how long before its end it is renewed, and what is said of it (None: absent)."""

    node: str
    address: str
    early_renewal_hours: int
    certificate: str | None = VALID


class KubeletServing(Thing[KubeletServingState]):
    """A kubelet's serving certificate."""

    name = "kubelet_serving"

    def parse(self, value: Json) -> KubeletServingState:
        """From {"node", "address", "early_renewal_hours", "certificate": "valid"}."""
        given = cast(dict[str, Any], value)
        said = given.get("certificate", VALID)
        return KubeletServingState(
            node=given["node"],
            address=given["address"],
            early_renewal_hours=int(given["early_renewal_hours"]),
            certificate=None if said == ABSENT else str(said),
        )

    def render(self, state: KubeletServingState) -> Json:
        """To the same."""
        return {
            "node": state.node,
            "address": state.address,
            "early_renewal_hours": state.early_renewal_hours,
            "certificate": ABSENT if state.certificate is None else state.certificate,
        }

    def questions(self, managed: KubeletServingState) -> Sequence[Argv]:
        """What openssl says of the certificate."""
        seconds = str(managed.early_renewal_hours * 3600)
        return [("sh", "-c", leaves.LOOK, "leaves", seconds, self.name, CERTIFICATE, CLUSTER)]

    def observe(self, site: Site, managed: KubeletServingState) -> KubeletServingState:
        """The certificate as the machine has it."""
        (answer,) = site.host.ask(self.questions(managed))
        return replace(managed, certificate=leaves.answered(site, answer).get(self.name))

    def plan(self, current: KubeletServingState, desired: KubeletServingState) -> list[Change]:
        """What of it is to be otherwise."""
        fields = ("node", "address", "early_renewal_hours", "certificate")
        pairs = ((name, getattr(current, name), getattr(desired, name)) for name in fields)
        return [Change(field=name, was=was, now=now) for name, was, now in pairs if was != now]

    def apply(self, site: Site, changes: Sequence[Change], desired: KubeletServingState) -> None:
        """Approve what the kubelet asks for; one whose certificate will not do is made to ask."""
        if any(change.field == "certificate" and change.was is not None for change in changes):
            site.host.run(["sh", "-c", _AGAIN, "again"])
        deadline = time.monotonic() + WAIT
        while True:
            admin = find_admin(site.rack)
            for request in pending(admin, desired.node):
                _approve(site, admin, request, desired)
            site.host.forget()
            if self.observe(site, desired) == desired:
                return
            if time.monotonic() > deadline:
                raise _no_certificate(site, desired)
            time.sleep(POLL)

    def remove(self, site: Site, managed: KubeletServingState) -> None:
        """Nothing to put back: the kubelet made what there is, and kubeadm's reset takes it."""

    def minus(self, old: KubeletServingState, new: KubeletServingState) -> KubeletServingState | None:
        """A certificate has no parts."""
        return None


def pending(admin: Admin, node: str) -> list[Mapping[str, Any]]:
    """What the node's kubelet asks for and nobody has decided."""
    items: list[Mapping[str, Any]] = admin.get("csr")["items"]
    return [
        one
        for one in items
        if one["spec"]["signerName"] == SIGNER
        and one["spec"].get("username") == f"system:node:{node}"
        and not one.get("status", {}).get("conditions")
    ]


def objection(request: Mapping[str, Any], wanted: KubeletServingState) -> str:
    """What speaks against a request; "" where nothing does."""
    asked = x509.load_pem_x509_csr(base64.b64decode(request["request"]))
    names = [one.value for one in asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [f"system:node:{wanted.node}"]:
        return f"it is for {names}"
    if not set(request.get("usages", [])) <= USAGES:
        return f"it is for {sorted(request['usages'])}"
    try:
        found = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "it names nobody"
    others = {str(one.value) for one in found} - {wanted.node, wanted.address}
    return f"it names {', '.join(sorted(others))}" if others else ""


def _approve(site: Site, admin: Admin, request: Mapping[str, Any], wanted: KubeletServingState) -> None:
    name = str(request["metadata"]["name"])
    if against := objection(request["spec"], wanted):
        raise Refused(
            host=str(site.host),
            item=f"CertificateSigningRequest {name}",
            expected=f"one for {wanted.node} at {wanted.address}, to serve",
            found=against,
            next_step=f"kubectl describe csr {name}; where it is right: kubectl certificate approve {name}",
        )
    admin.kubectl("certificate", "approve", name)


def _no_certificate(site: Site, wanted: KubeletServingState) -> HostError:
    return HostError(
        host=str(site.host),
        item="serving certificate of the kubelet",
        expected=f"one of the cluster's CA after {WAIT:.0f} s",
        found="none",
        next_step=f"kubectl get csr | grep {wanted.node}; journalctl -u kubelet -n 50 (on {site.host.name})",
    )
