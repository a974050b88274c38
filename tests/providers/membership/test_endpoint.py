"""The kubelet's endpoint in a zone, on a throwaway machine with the real shell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.membership.admin import KUBELET_CONF
from providers.membership.endpoint import PENDING, Endpoint, parse
from tests.local_host import LocalHost
from tests.providers.life import converge, cut_anywhere, live, site

WRITTEN = """apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: aGVsaWNvbg==
    server: https://api.example.test:6443
  name: lab
current-context: system:node:w-1@lab
"""
ZONE = "api-dmz.example.test:6443"


@pytest.fixture
def member(local_host: LocalHost) -> LocalHost:
    """A node whose kubeconfig is as kubeadm wrote it, and whose kubelet runs."""
    local_host.stand_in("systemctl")
    local_host.write("/usr/lib/systemd/system/kubelet.service", "[Install]\n")
    local_host.run(["systemctl", "start", "kubelet.service"])
    local_host.write(KUBELET_CONF, WRITTEN, "0600")
    return local_host


def test_its_whole_life(member: LocalHost) -> None:
    """One line changes, mode and owner stay, and in the end all is as kubeadm wrote it."""
    damage = [f"sed -i 's|https://.*|https://10.0.0.99:6443|' {KUBELET_CONF}"]
    places = ("/etc/kubernetes", "/run/helicon-endpoint")
    assert live(Endpoint(), member, ZONE, "10.0.5.56:6443", damage, places) == ["server"]
    converge(Endpoint(), member, None, ZONE)
    assert member.read(KUBELET_CONF) == WRITTEN.replace("api.example.test:6443", ZONE)


@pytest.mark.slow
def test_it_survives_being_killed_anywhere(member: LocalHost) -> None:
    """The next run goes on from there."""
    assert cut_anywhere(Endpoint(), member, ZONE, ["/etc/kubernetes"]) > 1


def test_a_kubelet_that_was_not_restarted_is(member: LocalHost) -> None:
    """A run killed between the file and the kubelet is finished, once."""
    converge(Endpoint(), member, None, ZONE)
    member.write(PENDING, "")
    assert converge(Endpoint(), member, ZONE, ZONE) == ["server"]
    assert member.read(PENDING) is None
    assert converge(Endpoint(), member, ZONE, ZONE) == []


def test_a_machine_that_leaves_keeps_its_kubelet_quiet(member: LocalHost) -> None:
    """Its kubeconfig goes with the membership; only the journal's entry is dropped."""
    converge(Endpoint(), member, None, ZONE)
    Endpoint().remove(replace(site(member), leaving=True), Endpoint().parse(ZONE))
    assert ZONE in (member.read(KUBELET_CONF) or "")


def test_a_machine_that_is_no_member_has_none(local_host: LocalHost) -> None:
    """There is nothing to point anywhere, and removing it is fine."""
    thing = Endpoint()
    assert thing.render(thing.observe(site(local_host), thing.parse(ZONE))) == "(absent)"
    thing.remove(site(local_host), thing.parse(ZONE))


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", "(absent)"), ("a:1", "a:1"), ("a:1\npending", "a:1 (not in use)"), ("pending", "(absent)")],
)
def test_what_the_machine_says_is_read_back(text: str, shown: str) -> None:
    """Through the property as well."""
    thing = Endpoint()
    assert thing.render(parse(text)) == shown
    assert thing.parse(shown) == parse(text)
