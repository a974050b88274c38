"""How the CA of a living cluster changes: by way of a bundle of the former and the next, never at once."""

from __future__ import annotations

import re
from collections.abc import Mapping

from providers.core.errors import Refused
from providers.core.host import Argv
from providers.core.thing import Site

CLUSTER = "/etc/kubernetes/pki/ca.crt"
CAS = {
    CLUSTER: "kubernetes",
    "/etc/kubernetes/pki/front-proxy-ca.crt": "front_proxy",
    "/etc/kubernetes/pki/etcd/ca.crt": "etcd",
}
"""The bundles of a control plane, and what the configuration (authority.cas) calls them."""
MANIFEST = "/etc/kubernetes/manifests/kube-controller-manager.yaml"
SIGNING_ARGUMENT = "cluster-signing-cert-file"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def certificates(bundle: str) -> list[str]:
    """The certificates of a bundle, their base64 without line breaks, in its order."""
    return ["".join(body.split()) for body in _PEM.findall(bundle)]


def keep_trust(site: Site, files: Mapping[str, str]) -> None:
    """Refuse a CA file that would cut off what trusts, or was signed by, the present one.

    The first certificate of a bundle is the one that signs. The next to sign must be trusted before
    it signs; the former must be trusted for as long as what it signed is in use.
    """
    paths = [path for path in CAS if path in files]
    questions: list[Argv] = [("cat", path) for path in paths]
    for path, answer in zip(paths, site.host.ask(questions), strict=True):
        found, wanted = certificates(answer.text) if answer.ok else [], certificates(files[path])
        if found and wanted and not (found[0] in wanted and wanted[0] in found):
            raise _cut_off(site, path, trusted=wanted[0] in found)
    if len(certificates(files.get(CLUSTER, ""))) > 1:
        _signs_with_one(site)


def _signs_with_one(site: Site) -> None:
    """The controller manager has a file of one certificate to sign with: it does not start with a bundle."""
    (answer,) = site.host.ask([("cat", MANIFEST)])
    if answer.ok and f"--{SIGNING_ARGUMENT}={CLUSTER}\n" in answer.text + "\n":
        raise Refused(
            host=str(site.host),
            item=CLUSTER,
            expected="a controller manager that signs with signing.crt",
            found=f"one that signs with {CLUSTER} and would not start with two certificates in it",
            next_step="take authority.cas out of the stack file, pulumi up, put it back, pulumi up",
        )


def _cut_off(site: Site, path: str, *, trusted: bool) -> Refused:
    name = CAS[path]
    return Refused(
        host=str(site.host),
        item=path,
        expected="the CA that signs now to stay trusted"
        if trusted
        else "a CA that is trusted before it signs",
        found="a bundle without it" if trusted else "one that this machine does not know",
        next_step=f"rotate in three steps with authority.cas.{name} (docs/certificates.md), each with pulumi up",
    )
