"""What is looked at on machines of an external etcd, and no longer on control planes."""

from __future__ import annotations

from config import Rack
from providers.preflight.rules_disk import holds_etcd
from tests.config.injections import sound
from tests.providers.preflight.racks import findings, rack, short

SLOW: dict[str, str | None] = {"fsync": "64 1 copied, 12.8 s,", "disk": "/var/lib/etcd 7340032 1048576"}


def external() -> Rack:
    """The sound rack with one machine for etcd."""
    return rack(nodes=sound()["nodes"], etcd_members={"etcd-1": {"address": "10.0.0.41"}})


def test_etcd_is_where_it_is_looked_for() -> None:
    """On each control plane, or on its own machines."""
    assert [one.name for one in rack().machines() if holds_etcd(rack(), one)] == ["cp-1", "cp-2", "cp-3"]
    found = external()
    assert [one.name for one in found.machines() if holds_etcd(found, one)] == ["etcd-1"]


def test_a_slow_or_small_disk_matters_to_a_member() -> None:
    """As it does to a control plane with stacked etcd."""
    assert short(findings(external(), etcd_1=SLOW)) == [
        ("warning", "etcd-1", "disk"),
        ("error", "etcd-1", "fsync"),
    ]


def test_a_control_plane_without_etcd_needs_no_room_for_it() -> None:
    """Nor are etcd's ports its own."""
    small: dict[str, str | None] = {"disk": "/var/lib/etcd 7340032 1048576", "listens": "2379 something"}
    assert findings(external(), cp_1=small) == []


def test_a_member_needs_its_ports_and_no_others() -> None:
    """2379, 2380 and the kubelet's; what we left running there is ours."""
    taken: dict[str, str | None] = {"listens": "2379 etcd\n2380 etcd\n10250 kubelet\n6443 other"}
    (one,) = findings(external(), etcd_1=taken)
    assert one.check == "ports"
    assert "6443" not in one.found
    assert findings(external(), etcd_1={**taken, "managed": "yes"}) == []


def test_a_member_s_kubelet_wants_cgroup_v2_as_a_node_s_does() -> None:
    """It is the same program."""
    assert short(findings(external(), etcd_1={"cgroup": "1 memory"})) == [("error", "etcd-1", "cgroup")]
