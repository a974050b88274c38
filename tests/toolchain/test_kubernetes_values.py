"""Pure parts of the kubernetes plugin: quantities, canonical inputs, immutable fields, owners of fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain.plugins.kubernetes import changes, configuration, immutable, ownership, read, state, tokens
from toolchain.plugins.kubernetes.naming import identifier, split_identifier
from toolchain.plugins.kubernetes.normalize import normalized
from toolchain.plugins.kubernetes.objects import plain, prune
from toolchain.plugins.kubernetes.quantity import canonical
from toolchain.plugins.values import UNKNOWN, Secret

JSON = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.text("ab.", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.[", min_size=1, max_size=3), inner)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(["metadata", "spec", "data"]), JSON)


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("0.5", "500m"), ("500m", "500m"), ("1.5", "1500m"), ("1000", "1k"), ("1500M", "1500M"),
        ("2000m", "2"),
        ("64Mi", "64Mi"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("1000Mi", "1000Mi"), ("512Ki", "512Ki"),
        ("0.5Ki", "512"), ("1e3", "1e3"), ("1000e0", "1e3"), ("100e3", "100e3"), ("0", "0"), ("0Mi", "0"),
        ("-1500m", "-1500m"), ("1n", "1n"), ("0.1n", "1n"), ("nonsense", "nonsense"), ("12 Mi", "12 Mi"),
    ],
)  # fmt: skip
def test_quantities_are_written_as_the_server_writes_them(given_text: str, expected: str) -> None:
    """Equal amounts get one spelling; what is no amount is left for the server to refuse."""
    assert canonical(given_text) == expected


@given(st.integers(0, 10**12), st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "Gi"]))
def test_a_canonical_quantity_stays_as_it_is(number: int, suffix: str) -> None:
    """Writing a quantity twice changes nothing more."""
    once = canonical(f"{number}{suffix}")
    assert canonical(once) == once


def pod_template(**spec: Any) -> dict[str, Any]:
    """A Deployment whose pods have this spec."""
    return {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": spec}}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"hostNetwork": False, "containers": []}, {"containers": []}),
        ({"hostNetwork": True}, {"hostNetwork": True}),
        ({"securityContext": {"runAsUser": 0}}, {"securityContext": {"runAsUser": 0}}),
        ({"terminationGracePeriodSeconds": 0}, {"terminationGracePeriodSeconds": 0}),
        ({"nodeSelector": {}}, {}),
        ({"imagePullSecrets": [{"name": ""}]}, {"imagePullSecrets": [{}]}),
        ({"nodeSelector": {"value": ""}}, {"nodeSelector": {"value": ""}}),
        ({"tolerations": [{"key": "", "operator": "Exists"}]}, {"tolerations": [{"operator": "Exists"}]}),
        ({"volumes": [{"name": "v", "emptyDir": {}}]}, {"volumes": [{"name": "v", "emptyDir": {}}]}),
        (
            {"volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}]},
            {"volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}]},
        ),
        (
            {
                "containers": [
                    {"name": "c", "env": [{"name": "E", "value": ""}], "resources": {"limits": {"cpu": 2}}}
                ]
            },
            {"containers": [{"name": "c", "env": [{"name": "E"}], "resources": {"limits": {"cpu": "2"}}}]},
        ),
    ],
)
def test_what_the_server_leaves_out_is_left_out(spec: dict[str, Any], expected: dict[str, Any]) -> None:
    """Zero values that mean nothing go, those that mean something stay, amounts are canonical."""
    assert normalized(pod_template(**spec))["spec"]["template"]["spec"] == expected


def test_string_data_becomes_data() -> None:
    """A Secret's texts are what the server makes of them."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "stringData": {"a": "1"},
        "data": {"a": "eA==", "b": "eQ=="},
    }
    assert normalized(secret) == {"apiVersion": "v1", "kind": "Secret", "data": {"a": "MQ==", "b": "eQ=="}}


def test_custom_resources_and_unknown_values_are_left_alone() -> None:
    """What nobody knows the type of is not changed, but for metadata that only servers write."""
    custom = {"apiVersion": "a/v1", "kind": "B", "metadata": {"uid": "1"}, "spec": {"hostNetwork": False}}
    assert normalized(custom) == {**custom, "metadata": {}}
    waiting = pod_template(hostNetwork=False, nodeName=UNKNOWN)
    assert normalized(waiting) == waiting


@given(OBJECTS)
def test_an_object_does_not_differ_from_itself(obj: dict[str, Any]) -> None:
    """No difference is made up."""
    assert changes.compare(obj, obj, ()) == {}


@given(OBJECTS, OBJECTS)
def test_every_change_is_a_difference(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Objects compare equal only where they are."""
    same = json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)  # true is not 1
    assert (changes.compare(old, new, ()) == {}) == same


@given(OBJECTS)
def test_an_object_pruned_to_its_own_shape_is_whole(obj: dict[str, Any]) -> None:
    """Nothing that was asked for is lost."""
    assert prune(obj, obj) == obj


def test_paths_are_written_as_pulumi_reads_them() -> None:
    """Keys with dots or brackets are quoted."""
    assert changes.render(("metadata", "labels", "a.b/c")) == 'metadata.labels["a.b/c"]'
    assert changes.render(("spec", "containers", 0, "image")) == "spec.containers[0].image"


@pytest.mark.parametrize(
    ("kind", "old", "new", "expected"),
    [
        ("Deployment", {"replicas": 1}, {"replicas": 2}, {"spec.replicas": "UPDATE"}),
        ("Deployment", {"selector": {}}, {"selector": {"matchLabels": {"a": "b"}}},
         {"spec.selector.matchLabels": "ADD_REPLACE"}),
        ("StatefulSet", {"serviceName": "a"}, {}, {"spec.serviceName": "DELETE_REPLACE"}),
    ],
)  # fmt: skip
def test_immutable_fields_replace(kind: str, old: Any, new: Any, expected: dict[str, str]) -> None:
    """A change of what Kubernetes does not let change is marked as one that replaces."""
    obj = {"apiVersion": "apps/v1", "kind": kind}
    fields = immutable.fields(obj, secrets_mutable=False, config_maps_mutable=False)
    assert changes.compare({"spec": old}, {"spec": new}, fields) == expected


def test_a_containers_image_replaces_a_pod() -> None:
    """Fields of list elements are found at any index."""
    fields = immutable.fields(
        {"apiVersion": "v1", "kind": "Pod"}, secrets_mutable=False, config_maps_mutable=False
    )
    old = {"spec": {"containers": [{"image": "a"}, {"image": "b"}]}}
    new = {"spec": {"containers": [{"image": "a"}, {"image": "c"}]}}
    assert changes.compare(old, new, fields) == {"spec.containers[1].image": "UPDATE_REPLACE"}


@pytest.mark.parametrize(("fixed", "expected"), [(False, "UPDATE"), (True, "UPDATE_REPLACE")])
def test_data_replaces_unless_called_mutable(fixed: bool, expected: str) -> None:
    """With enableConfigMapMutable only an immutable ConfigMap is replaced for its data."""
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "immutable": fixed}
    fields = immutable.fields(obj, secrets_mutable=False, config_maps_mutable=True)
    assert changes.compare({"data": {"a": "1"}}, {"data": {"a": "2"}}, fields) == {"data.a": expected}


def owner(manager: str, operation: str, *keys: str, subresource: str = "") -> dict[str, Any]:
    """An entry of managedFields that owns data keys."""
    entry = {
        "manager": manager,
        "operation": operation,
        "fieldsV1": {"f:data": {f"f:{key}": {} for key in keys}},
    }
    return {**entry, "subresource": subresource} if subresource else entry


def test_what_pulumi_and_kubectl_own_is_taken_over() -> None:
    """Their fields go to the resource's manager; a controller's and a subresource's stay."""
    others = [owner("controller", "Update", "c"), owner("kubectl", "Update", "s", subresource="scale")]
    mine = [
        owner("me", "Apply", "x"),
        owner("pulumi-kubernetes", "Update", "a"),
        owner("kubectl-edit", "Update", "b"),
    ]
    obj = {"metadata": {"managedFields": [*others, *mine], "resourceVersion": "7"}}
    patch = ownership.takeover(obj, "me")
    assert patch is not None
    assert patch[0]["value"] == [*others, owner("me", "Apply", "x", "a", "b")]
    assert patch[1] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def test_nothing_to_take_over_is_no_patch() -> None:
    """An object that only its manager and controllers write is left alone."""
    obj = {"metadata": {"managedFields": [owner("me", "Apply", "x"), owner("controller", "Update", "c")]}}
    assert ownership.takeover(obj, "me") is None


def test_ignored_changes_keep_what_is_live() -> None:
    """A field that another owns is left to it; one of our own keeps its live value."""
    live = {"data": {"a": "live", "b": "live"}, "metadata": {"managedFields": [
        owner("me", "Apply", "a"), owner("controller", "Update", "b"),
    ]}}  # fmt: skip
    inputs = {"data": {"a": "asked", "b": "asked", "c": "asked"}}
    kept = ownership.without_ignored(inputs, live, ["data.a", "data.b"], "me")
    assert kept == {"data": {"a": "live", "c": "asked"}}
    assert inputs["data"]["b"] == "asked"


def test_an_import_takes_everything_that_can_be_asked_for() -> None:
    """Neither the status nor what the server writes in the metadata becomes an input."""
    live = {
        "apiVersion": "v1", "kind": "Service", "spec": {"clusterIP": "1.2.3.4"},
        "status": {"loadBalancer": {}},
        "metadata": {"name": "a", "uid": "1", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1",
        }},
    }  # fmt: skip
    old, imported = read.asked_for({}, {}, tokens.parse("kubernetes:core/v1:Service"), "b", "a")
    assert imported
    found = read.live_inputs(live, old, everything=True)
    assert found == {
        "apiVersion": "v1", "kind": "Service", "spec": {"clusterIP": "1.2.3.4"},
        "metadata": {"name": "a", "annotations": {"mine": "1"}},
    }  # fmt: skip


def test_a_list_with_one_secret_is_secret() -> None:
    """The server may return a list in another order, so no element of it is shown."""
    outputs = state.with_secrets({"spec": {"a": ["x", "y"], "b": "z"}}, {"spec": {"a": ["x", Secret("y")]}})
    assert outputs == {"spec": {"a": Secret(["x", "y"]), "b": "z"}}


def test_dashes_of_schemas_are_underscores_in_the_state() -> None:
    """Typed programs read `x_kubernetes_…`; the server gets `x-kubernetes-…`."""
    schema = {"x-kubernetes-preserve-unknown-fields": True}
    kept = state.checkpoint({}, {"spec": schema}, {}, api_version="a/v1", manager="m")
    assert kept["spec"] == {"x_kubernetes_preserve_unknown_fields": True}
    assert plain(kept["spec"]) == schema


@pytest.mark.parametrize(("namespace", "name"), [("", "a"), ("b", "a")])
def test_identifiers_can_be_taken_apart(namespace: str, name: str) -> None:
    """What goes into an identifier comes out of it."""
    assert split_identifier(identifier(namespace, name)) == (namespace, name)


def cluster(server: str, **more: str) -> dict[str, str]:
    """A provider's inputs that lead to a server."""
    clusters = f"[{{name: c, cluster: {{server: '{server}'}}}}]"
    text = f"clusters: {clusters}\ncontexts: [{{name: x, context: {{cluster: c}}}}]"
    return {"kubeconfig": f"{text}\ncurrent-context: x\n", **more}


def test_another_cluster_replaces_the_provider_unless_it_has_an_identifier() -> None:
    """Without an identifier the server in the kubeconfig decides, with one only the identifier does."""
    assert configuration.change(cluster("https://a"), cluster("https://b")).replaces == ("kubeconfig",)
    same = {"clusterIdentifier": "one"}
    kept = configuration.change(cluster("https://a", **same), cluster("https://b", **same))
    assert (kept.diffs, kept.replaces) == (("kubeconfig",), ())
    moved = configuration.change(cluster("https://a", **same), cluster("https://a", clusterIdentifier="two"))
    assert moved.replaces == ("clusterIdentifier",)


def test_an_unknown_kubeconfig_replaces_unless_it_has_an_identifier() -> None:
    """A kubeconfig that is not known yet may lead anywhere."""
    assert configuration.change(cluster("https://a"), {"kubeconfig": UNKNOWN}).replaces == ("kubeconfig",)
    same = {"clusterIdentifier": "one"}
    found = configuration.change(cluster("https://a", **same), {"kubeconfig": UNKNOWN, **same})
    assert (found.diffs, found.replaces) == (("kubeconfig",), ())
