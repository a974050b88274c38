"""tdnf and dnf: their tables and rpm's records understood, Debian's names translated and back."""

from __future__ import annotations

from providers.software.dnf import Dnf, parse_preview
from providers.software.package_manager import Package

DNF = """Dependencies resolved.
================================================================================
 Package                      Arch   Version           Repository          Size
================================================================================
Installing:
 kubelet                      x86_64 1.36.1-150500.1.1 helicon-kubernetes  13 M
Upgrading:
 a-name-that-does-not-fit-into-its-column
                              noarch 1:2.0-1           extra              6.3 k
Installing dependencies:
 kubernetes-cni               x86_64 1.7.1-150500.1.1  helicon-kubernetes  12 M

Transaction Summary
================================================================================
Install  2 Packages
Upgrade  1 Package

Total download size: 25 M
Operation aborted.
"""


def test_dnf_s_table_is_understood() -> None:
    """Dependencies count as what they are: installed; a long name breaks the line."""
    found = parse_preview(DNF)
    assert found["Installing"] == {"kubelet": "1.36.1-150500.1.1", "kubernetes-cni": "1.7.1-150500.1.1"}
    assert found["Upgrading"] == {"a-name-that-does-not-fit-into-its-column": "1:2.0-1"}
    assert found["Removing"] == {}


def test_records_tell_what_is_installed_and_locked() -> None:
    """A package keeps Debian's name; one that is locked but not there does not appear."""
    text = "conntrack-tools\t1.4.7-1\npackage kubeadm is not installed\nkubelet\t1.36.1-1\nkubelet\nkubeadm"
    assert Dnf("tdnf").parse(text) == {
        "conntrack": Package(version="1.4.7-1"),
        "kubelet": Package(version="1.36.1-1", hold=True),
    }


def test_both_levels_of_an_upgrade_have_their_name() -> None:
    """What apt calls dist-upgrade is distro-sync here."""
    manager = Dnf("tdnf")
    levels = ("upgrade", "dist-upgrade", "distro-sync")
    assert [manager.pending(level)[-1] for level in levels] == ["upgrade", "distro-sync", "distro-sync"]
