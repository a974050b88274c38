"""Storage as the configuration says it, and as the properties of its resource."""

from __future__ import annotations

from typing import Any

import pytest

from components import properties
from config import Rack, load
from tests.config.injections import sound


def rack(**storage: Any) -> Rack:
    """The sound rack, with storage on one worker."""
    raw = sound()
    raw["nodes"]["w-1"] |= {"storage": storage}
    return load(raw, stack="test")


def test_a_machine_that_says_nothing_has_no_such_resource() -> None:
    """Nor any of the properties."""
    assert [properties.storage(one) for one in rack().machines()] == [{}] * 6


def test_mounts_and_binds_become_properties() -> None:
    """fstab's own words; a server's export is NFS unless said otherwise."""
    mounts = {
        "/srv/data": {"source": "LABEL=data", "type": "ext4", "options": "defaults", "fsck": 2},
        "/srv/shared": {"source": "nas.example.test:/export"},
    }
    found = properties.storage(rack(mounts=mounts, binds={"/var/log": "/srv/data/log"}).nodes["w-1"])
    assert found == {
        "mounts": {
            "/srv/data": {"source": "LABEL=data", "type": "ext4", "options": "defaults", "pass": 2},
            "/srv/shared": {
                "source": "nas.example.test:/export",
                "type": "nfs",
                "options": "defaults,noatime,nofail",
                "pass": 0,
            },
        },
        "binds": {"/var/log": "/srv/data/log"},
    }


@pytest.mark.parametrize(
    ("storage", "packages"),
    [
        ({"nfs_client": True}, ["nfs-common"]),
        ({"ceph_client": True}, ["ceph-common", "rbd-nbd"]),
        ({"nfs_client": True, "ceph_client": True}, ["nfs-common", "ceph-common", "rbd-nbd"]),
    ],
)
def test_clients_come_before_what_they_mount(storage: dict[str, bool], packages: list[str]) -> None:
    """They are packages of the same resource, and of no other."""
    raw = sound()
    raw["nodes"]["w-1"] |= {"storage": storage, "packages": ["nfs-common=1:2.8*", "jq"]}
    machine = load(raw, stack="test").nodes["w-1"]
    found = properties.storage(machine)["packages"]
    assert list(found) == packages
    assert found.get("nfs-common", {"version": "1:2.8*"})["version"] == "1:2.8*"
    assert not set(found) & set(properties.extra_packages(machine))


def test_a_machine_adds_to_the_defaults_of_the_rack() -> None:
    """A disk that every board has, and a directory of one of them."""
    raw = sound()
    raw["defaults"]["storage"] = {"mounts": {"/srv/data": {"source": "LABEL=data"}}}
    raw["nodes"]["w-1"]["storage"] = {
        "mounts": {"/srv/data": {"fsck": 2}},
        "binds": {"/var/lib/containerd": "/srv/data/containerd"},
    }
    one, two = (load(raw, stack="test").nodes[name].storage for name in ("w-1", "w-2"))
    assert (one.mounts["/srv/data"].fsck, two.mounts["/srv/data"].fsck) == (2, 0)
    assert (list(one.binds), list(two.binds)) == (["/var/lib/containerd"], [])
