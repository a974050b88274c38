"""Certificates looked at and renewed with the real openssl; stand-ins for kubeadm and the API sign."""

from __future__ import annotations

from typing import Any

import pytest

from providers.certificates import leaf_files
from providers.certificates.leaves import Leaves
from providers.certificates.trusted_cas import TrustedCas
from providers.core.host import Host
from providers.core.journal import Journal
from providers.core.thing import Json, Site, Thing
from tests.local_host import LocalHost
from tests.scenarios import FakeRack

PKI = "/etc/kubernetes/pki"
CLIENT = leaf_files.KUBELET_CLIENT
SETUP = r"""
set -eu; mkdir -p /etc/kubernetes/pki/etcd /var/lib/kubelet/pki /var/lib/helicon /run/lock /ca
cd /ca; echo '{}' > /var/lib/helicon/membership.json
for one in 1 2; do
  openssl ecparam -name prime256v1 -genkey -noout -out $one.key
  openssl req -x509 -new -key $one.key -subj "/CN=kubernetes-ca-$one" -days 3650 -out $one.crt
done
openssl ecparam -name prime256v1 -genkey -noout -out leaf.key
"""
SIGN = r"""#!/bin/sh
# sign CA DAYS SUBJECT: a certificate for the one key
openssl req -new -key /ca/leaf.key -subj "$3" |
  openssl x509 -req -CA "/ca/$1.crt" -CAkey "/ca/$1.key" -CAcreateserial -days "$2" \
  2>/dev/null
"""
CONF = r"""#!/bin/sh
# conf CA DAYS PATH: a kubeconfig as kubeadm writes them
cat > "$3" <<END
clusters:
- cluster:
    certificate-authority-data: $(base64 -w0 < /etc/kubernetes/pki/ca.crt)
    server: https://api.example.test:6443
users:
- user:
    client-certificate-data: $(sign "$1" "$2" /CN=one | base64 -w0)
END
"""
KUBEADM = r"""#!/bin/sh
# certs renew NAME, with the CA that comes first in ca.crt
signer=1; openssl x509 -in /etc/kubernetes/pki/ca.crt -noout -subject | grep -q 'ca-2$' && signer=2
case $3 in
*.conf) conf "$signer" 365 "/etc/kubernetes/$3" ;;
apiserver-kubelet-client) sign "$signer" 365 /CN=x > /etc/kubernetes/pki/apiserver-kubelet-client.crt ;;
*) exit 1 ;;
esac
"""
KUBECTL = r"""#!/bin/sh
# an API whose controller manager signs with the CA named in /ca/leader
case "$*" in
*" create "*) sed -n 's/.*"request": "\([^"]*\)".*/\1/p' | base64 -d > /ca/request ;;
*" get csr "*)
  signer=$(cat /ca/leader); [ -e /ca/next ] && mv /ca/next /ca/leader
  openssl x509 -req -in /ca/request -CA "/ca/$signer.crt" -CAkey "/ca/$signer.key" \
    -CAcreateserial -days 365 2>/dev/null | base64 -w0 ;;
*/readyz*) echo ok ;;
esac
"""


@pytest.fixture
def member(local_host: LocalHost) -> LocalHost:
    """A control plane with one CA, three certificates of it, and tools that sign."""
    tools = {"sign": SIGN, "conf": CONF, "kubeadm": KUBEADM, "kubectl": KUBECTL}
    for name, text in {**tools, "systemctl": "#!/bin/sh\n"}.items():
        local_host.write(f"/usr/local/sbin/{name}", text, "0755")
    local_host.run(["sh", "-c", SETUP])
    script = f"""
        cp /ca/1.crt {PKI}/ca.crt; echo 1 > /ca/leader; conf 1 365 /etc/kubernetes/admin.conf
        sign 1 365 /CN=x > {PKI}/apiserver-kubelet-client.crt
        {{ sign 1 365 /O=system:nodes/CN=system:node:cp-1; cat /ca/leaf.key; }} > {CLIENT}
    """
    local_host.run(["sh", "-c", script])
    return local_host


def wanted(*names: str) -> Json:
    """All of them valid."""
    return {"early_renewal_hours": 720, "certificates": dict.fromkeys(names, "valid")}


def site(host: LocalHost) -> Site:
    """A rack of this control plane alone."""
    rack = FakeRack({})
    rack._hosts = {host.name: host}  # type: ignore[dict-item]
    return Site(host=host, journal=Journal(host), rack=rack)


def seen(host: LocalHost, *names: str) -> dict[str, Any]:
    """What is said of the certificates."""
    thing = Leaves()
    return dict(thing.observe(site(host), thing.parse(wanted(*names))).certificates)


def up(thing: Thing[Any], host: LocalHost, value: Json) -> list[str]:
    """What an `up` does; the fields that changed."""
    desired = thing.parse(value)
    changes = thing.plan(thing.observe(site(host), desired), desired)
    if changes:
        thing.apply(site(host), changes, desired)
    assert thing.plan(thing.observe(site(host), desired), desired) == []
    return [one.field for one in changes]


def own(host: Host, text: str) -> None:
    """Run a script on the machine."""
    host.run(["sh", "-c", text])


def test_each_certificate_is_told_apart(member: LocalHost) -> None:
    """Valid, near its end, of another CA, no certificate, and not there."""
    own(member, f"sign 1 10 /CN=x > {PKI}/etcd/server.crt; sign 2 365 /CN=x > {PKI}/etcd/peer.crt")
    own(member, f"cp {PKI}/ca.crt {PKI}/etcd/ca.crt; echo x > {PKI}/etcd/healthcheck-client.crt")
    found = seen(
        member, "admin.conf", "etcd-server", "etcd-peer", "etcd-healthcheck-client", "scheduler.conf"
    )
    end = found.pop("etcd-server")
    assert end.startswith("expires 20") and len(end) == len("expires 2026-12-01")
    assert found == {
        "admin.conf": "valid",
        "etcd-peer": "not of this CA",
        "etcd-healthcheck-client": "unreadable",
        "scheduler.conf": None,
    }


def test_looking_writes_nothing(member: LocalHost) -> None:
    """Not even for openssl, which wants a file."""
    before = member.tree("/etc/kubernetes", "/tmp", "/var/lib/kubelet")
    assert seen(member, "admin.conf", "kubelet") == {"admin.conf": "valid", "kubelet": "valid"}
    assert member.tree("/etc/kubernetes", "/tmp", "/var/lib/kubelet") == before


def test_a_certificate_near_its_end_is_renewed(member: LocalHost) -> None:
    """In a file and in a kubeconfig; the next run does nothing."""
    own(member, f"conf 1 10 /etc/kubernetes/admin.conf; sign 1 10 /CN=x > {PKI}/apiserver-kubelet-client.crt")
    names = wanted("admin.conf", "apiserver-kubelet-client")
    assert up(Leaves(), member, names) == ["admin.conf", "apiserver-kubelet-client"]
    assert up(Leaves(), member, names) == []


@pytest.mark.slow
def test_a_rotation_in_three_steps(member: LocalHost) -> None:
    """Both trusted; leaves of the new one, the kubelet's as soon as the leader signs with it; the old one gone."""
    names = wanted("admin.conf", "apiserver-kubelet-client", "kubelet")
    one, two = (member.read(f"/ca/{number}.crt") or "" for number in (1, 2))
    paths = ("/etc/kubernetes/admin.conf", "/etc/kubernetes/pki/ca.crt")
    assert up(TrustedCas(), member, dict.fromkeys(paths, one + two)) == list(paths)
    assert up(Leaves(), member, names) == []
    own(member, "echo 2 > /ca/next")
    assert up(TrustedCas(), member, dict.fromkeys(paths, two + one)) == list(paths)
    assert up(Leaves(), member, names) == ["admin.conf", "apiserver-kubelet-client", "kubelet"]
    assert up(TrustedCas(), member, dict.fromkeys(paths, two)) == list(paths)
    assert up(Leaves(), member, names) == []
    subject = member.run(["openssl", "x509", "-in", CLIENT, "-noout", "-subject", "-nameopt", "RFC2253"]).text
    assert subject == "subject=CN=system:node:cp-1,O=system:nodes"
    assert member.run(["sh", "-c", f"openssl pkey -in {CLIENT} -noout"], check=False).ok
    assert member.run(["stat", "-L", "-c", "%a", CLIENT]).text == "600"
    left = member.run(["sh", "-c", "ls /var/lib/kubelet/pki /var/lib/helicon"]).text
    assert "helicon.key" not in left and "restart" not in left
