"""The program's picture of a rack, registered against Pulumi's mocks: what depends on what, and what is secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components import balancing, properties
from components.authority import Authority, key_digest, kubeconfig, subject_alternative_names
from components.cluster import Cluster
from components.load_balancer import LoadBalancer
from components.membership_properties import membership
from components.network import Network
from components.node import ReadyNode
from components.readiness import Readiness, expectations
from components.sources import Internet, source_of
from config import Rack, load_file

REPOSITORY = Path(__file__).parent.parent.parent
PEM = "-----BEGIN PUBLIC KEY-----\naGVsaWNvbg==\n-----END PUBLIC KEY-----\n"


class Recorder(mocks.Mocks):
    """Keeps what is registered; outputs are inputs, and keys have a text."""

    def __init__(self) -> None:
        self.made: dict[str, mocks.MockResourceArgs] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Record."""
        self.made[args.name] = args
        keys = {"privateKeyPem": "key", "publicKeyPem": PEM, "certPem": "cert", "certRequestPem": "request"}
        return f"{args.name}-id", {**args.inputs, **keys}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Nothing is called."""
        raise AssertionError(args.token)

    def of(self, kind: str) -> dict[str, mocks.MockResourceArgs]:
        """What was registered of one type, by name."""
        return {name: args for name, args in self.made.items() if args.typ.endswith(f":{kind}")}


@pytest.fixture(scope="module")
def rpi() -> Rack:
    """The real rack of the repository."""
    return load_file(REPOSITORY / "Pulumi.rpi.yaml")


@pytest.fixture(scope="module")
def registered(rpi: Rack) -> Recorder:
    """Everything that the program registers for it on the machines."""
    recorder = Recorder()
    mocks.set_mocks(recorder, project="helicon", stack="rpi", preview=False)

    def program() -> None:
        source = source_of(rpi, "arm64")
        authority = Authority("authority", rpi)
        balancers = [LoadBalancer(rpi, name, source) for name in rpi.load_balancers]
        nodes = {name: ReadyNode(rpi, node, source) for name, node in rpi.nodes.items()}
        cluster = Cluster("cluster", rpi, nodes, authority, balancers)
        network = Network("network", rpi)
        Readiness("readiness", rpi, [*cluster.memberships, network])

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return recorder


def test_every_node_has_the_same_few_resources(rpi: Rack, registered: Recorder) -> None:
    """At most eight for each machine."""
    kinds = ("Access", "System", "Kernel", "Software", "Membership")
    for kind in kinds:
        of_nodes = [name for name in registered.of(kind) if not name.startswith("moires")]
        assert len(of_nodes) == len(rpi.nodes), kind
    assert len(registered.of("Balancer")) == 1


def test_the_load_balancer_knows_every_control_plane(registered: Recorder) -> None:
    """Its backends are the three."""
    (balancer,) = registered.of("Balancer").values()
    assert sorted(balancer.inputs["haproxy"]["backends"]) == ["epimethee", "hellenes", "pandore"]


def test_only_control_planes_get_keys(registered: Recorder) -> None:
    """A worker that is lost has lost no CA."""
    with_keys = [name for name, args in registered.of("Membership").items() if "pki" in args.inputs]
    assert sorted(with_keys) == ["epimethee-membership", "hellenes-membership", "pandore-membership"]


def test_removing_a_worker_changes_no_other_machine(rpi: Rack) -> None:
    """Nor does another order: properties are a function of the machine itself."""
    fewer = {name: node for name, node in reversed(list(rpi.nodes.items())) if name != "thalia"}
    changed = rpi.model_copy(update={"nodes": fewer})
    for name, node in fewer.items():
        assert properties.system(changed, node) == properties.system(rpi, node), name
        assert membership(changed, node, "x") == membership(rpi, node, "x"), name
    for machine in rpi.load_balancers.values():
        before, after = (balancing.balancer(one, machine) for one in (rpi, changed))
        assert before == after


def test_labels_carry_rack_row_and_role(rpi: Rack) -> None:
    """As the procedure has them."""
    labels = membership(rpi, rpi.nodes["pyrrha"], "x")["labels"]
    assert labels["my.topology/rack"] == "rpi-rack1"
    assert labels["my.topology/row"] == "rpi-row3"
    assert labels["node-role.kubernetes.io/infra"] == "true"


def test_the_certificate_answers_to_every_name(rpi: Rack) -> None:
    """Loopback, the first service address, the endpoint, load balancers, control planes, the service's names."""
    names, addresses = subject_alternative_names(rpi)
    assert {"127.0.0.1", rpi.cluster.service_address, "10.42.253.52", "10.42.253.40"} <= set(addresses)
    wanted = {"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster"}
    wanted |= {
        f"kubernetes.default.svc.{rpi.cluster.dns_domain}",
        rpi.cluster.endpoint,
        "pandore",
        "localhost",
    }
    assert wanted <= set(names)


def test_the_ca_is_named_by_the_digest_of_its_key() -> None:
    """sha256 over the DER bytes (here: of the text `helicon`)."""
    import hashlib

    assert key_digest(PEM) == "sha256:" + hashlib.sha256(b"helicon").hexdigest()


def test_the_kubeconfig_is_whole() -> None:
    """One cluster, one user, and a context that joins them."""
    import json

    found = json.loads(kubeconfig("rpi", "https://api:6443", {"ca": "a", "cert": "b", "key": "c"}))
    context = found["contexts"][0]["context"]
    assert found["current-context"] == found["contexts"][0]["name"]
    assert context == {"cluster": found["clusters"][0]["name"], "user": found["users"][0]["name"]}
    assert found["clusters"][0]["cluster"]["certificate-authority-data"] == "YQ=="


def test_a_changed_label_asks_for_the_proof_again(rpi: Rack) -> None:
    """The digest of the memberships is among what Readiness expects."""
    node = rpi.nodes["thalia"].model_copy(update={"labels": {"a": "b"}})
    changed = rpi.model_copy(update={"nodes": {**rpi.nodes, "thalia": node}})
    assert expectations(changed)["memberships"] != expectations(rpi)["memberships"]


def test_without_a_bundle_software_comes_from_kubernetes_own_repository(rpi: Rack) -> None:
    """One repository for the minor, versions pinned and held, nothing imported."""
    node = rpi.nodes["pandore"]
    sources = properties.sources(node, Internet(rpi))
    assert list(sources) == ["repositories"]
    kubernetes = sources["repositories"]["helicon-kubernetes"]
    assert kubernetes["uri"] == "https://pkgs.k8s.io/core:/stable:/v1.36/deb/"
    wanted = properties.software(rpi, node, Internet(rpi))
    assert wanted["packages"]["kubelet"] == {"version": "1.36.3-*", "hold": True}
    assert "images" not in wanted
    assert "artifacts" not in wanted
