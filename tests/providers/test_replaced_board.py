"""An empty board in the place of one that died: a refresh says what is missing, the next up makes it again."""

from __future__ import annotations

from typing import Any

import pytest

from providers.certificates.pki import DIFFERS, Pki
from providers.core import resource
from providers.core.resource import Kind
from providers.core.thing import ABSENT
from providers.membership.kubeadm import Kubeadm
from providers.membership.labels import Labels
from providers.membership.taints import Taints
from providers.system.files import Files
from tests.local_host import LocalHost, throwaway
from tests.providers import life

MEMBERSHIP = Kind(name="Membership", things=(Pki(), Kubeadm(), Labels(), Taints()))
MEMBER: dict[str, Any] = {
    "pki": {"/etc/kubernetes/pki/ca.crt": "PEM\n"},
    "kubeadm": {"role": "control-plane", "node_name": "cp-1", "address": "10.0.0.11", "version": "v1.36.3"},
    "labels": {"example.test/rack": "one"},
    "taints": {},
}


@pytest.mark.slow
def test_all_of_a_membership_is_seen_to_be_gone(local_host: LocalHost) -> None:
    """No API has to answer for that, and what was found is a difference that the engine shows."""
    found = resource.observe(MEMBERSHIP, life.site(local_host), MEMBER)
    assert found["kubeadm"] == ABSENT
    assert found["pki"] == {"/etc/kubernetes/pki/ca.crt": ABSENT}
    assert found["labels"] == {"example.test/rack": ABSENT}
    fields = [change.field for change in MEMBERSHIP.plan(found, MEMBER)]
    assert {"member", "/etc/kubernetes/pki/ca.crt", "example.test/rack"} <= set(fields)
    assert DIFFERS not in str(found)


@pytest.mark.slow
def test_one_up_makes_what_the_old_board_had() -> None:
    """By what the refresh observed, as an update; and all of it can be given back."""
    kind = Kind(name="System", things=(Files(),))
    wanted: dict[str, Any] = {"files": {"/etc/rack.conf": {"content": "one\n"}}}
    with throwaway() as first:
        resource.converge(kind, life.site(first), {}, wanted)
    with throwaway() as second:
        before = second.tree("/etc")
        observed = resource.observe(kind, life.site(second), wanted)
        assert kind.plan(observed, wanted)
        resource.converge(kind, life.site(second), observed, wanted)
        assert second.read("/etc/rack.conf") == "one\n"
        again = resource.observe(kind, life.site(second), wanted)
        assert kind.plan(again, wanted) == []
        resource.remove(kind, life.site(second), wanted)
        assert second.tree("/etc") == before
