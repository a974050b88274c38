"""Another client certificate for a kubelet, before its own rotation would ask for one.

The key is made on the node and stays there. The request is approved by the administrator, so that it
also works when the present certificate has ended.
"""

from __future__ import annotations

import base64
import json
import secrets
import time

from providers.certificates.leaf_files import KUBELET_CLIENT
from providers.core.errors import HostError
from providers.core.thing import Site
from providers.membership.admin import Admin, find_admin

SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
USAGES = ("key encipherment", "digital signature", "client auth")
WAIT = 1200.0
"""Seconds until the new CA signs: the leading controller manager may be on the last control plane to get it."""
SIGNING = 60.0
"""Seconds for one request."""
POLL = 2.0
OTHER_CA = 4

_ASK = f"""
set -eu; umask 077; cd "$(dirname {KUBELET_CLIENT})"
[ -s helicon.key ] || openssl ecparam -name prime256v1 -genkey -noout -out helicon.key
subject=$(openssl x509 -in {KUBELET_CLIENT} -noout -subject -nameopt RFC2253 |
  sed -n 's/.*CN=\\(system:node:[^,]*\\).*/\\1/p')
openssl req -new -key helicon.key -subj "/O=system:nodes/CN=$subject"
"""
_TAKE = f"""
set -eu; umask 077; cd "$(dirname {KUBELET_CLIENT})"
cat > helicon.crt
if ! openssl x509 -in /etc/kubernetes/pki/ca.crt | {{
  openssl verify -partial_chain -CAfile /dev/stdin helicon.crt >/dev/null 2>&1
}}; then rm helicon.crt; exit {OTHER_CA}; fi
new=kubelet-client-$(date +%Y-%m-%d-%H-%M-%S).pem
cat helicon.crt helicon.key > "$new"; sync "$new"
ln -sfn "$PWD/$new" helicon.pem; mv -T helicon.pem {KUBELET_CLIENT}; rm -f helicon.crt helicon.key
"""


def renew(site: Site) -> None:
    """Ask until the CA that this machine counts as the signing one has signed, then take the certificate."""
    site.say("another client certificate for the kubelet")
    request = site.host.run(["sh", "-c", _ASK, "ask"]).text
    deadline = time.monotonic() + WAIT
    while True:
        certificate = _signed(find_admin(site.rack), request + "\n")
        argv = ["sh", "-c", _TAKE, "take"]
        taken = site.host.run(argv, stdin=certificate, check=False)
        if taken.ok:
            return
        if taken.exit_status != OTHER_CA or time.monotonic() > deadline:
            raise _not_signed(site, taken.stderr.decode("utf-8", "replace").strip())
        site.say("waiting for the controller manager to sign with the other CA")
        time.sleep(POLL)


def _signed(admin: Admin, request: str) -> bytes:
    """The certificate for a request, which leaves nothing behind in the cluster."""
    name = f"helicon-{secrets.token_hex(4)}"
    document = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {
            "request": base64.b64encode(request.encode()).decode(),
            "signerName": SIGNER,
            "usages": list(USAGES),
        },
    }
    admin.kubectl("create", "-f", "-", stdin=json.dumps(document).encode())
    try:
        admin.kubectl("certificate", "approve", name)
        deadline = time.monotonic() + SIGNING
        while time.monotonic() < deadline:
            if text := admin.kubectl("get", "csr", name, "-o", "jsonpath={.status.certificate}").text:
                return base64.b64decode(text)
            time.sleep(1)
    finally:
        admin.kubectl("delete", "csr", name, "--ignore-not-found", "--wait=false", check=False)
    return b""


def _not_signed(site: Site, said: str) -> HostError:
    return HostError(
        host=str(site.host),
        item="client certificate of the kubelet",
        expected="one signed by the CA that comes first in /etc/kubernetes/pki/ca.crt",
        found=said or "one of another CA, or none",
        next_step="kubectl -n kube-system get pods -l component=kube-controller-manager; then pulumi up again",
    )
