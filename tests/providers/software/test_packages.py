"""Packages: dpkg's records and apt's simulations understood, versions matched as apt would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from providers.core.journal import Journal
from providers.core.thing import Change, Site
from providers.software.apt import parse_simulation
from providers.software.apt_get import AptGet
from providers.software.package_manager import Package
from providers.software.packages import Packages, PackagesState
from tests.fake_host import Answer, FakeHost
from tests.scenarios import FakeRack

VERSIONS = st.from_regex(r"[0-9]\.[0-9]{1,2}", fullmatch=True)


def test_records_tell_what_is_installed_and_held() -> None:
    """Half-installed ones show their state, removed ones are absent."""
    text = "\n".join(
        [
            "a\thold\tinstalled\t1.0",
            "b\tinstall\ttriggers-awaited\t2.0",
            "c\tinstall\thalf-configured\t3.0",
            "d\tdeinstall\tconfig-files\t4.0",
            "e\tunknown\tnot-installed\t",
        ]
    )
    assert AptGet().parse(text) == {
        "a": Package(version="1.0", hold=True),
        "b": Package(version="2.0"),
        "c": Package(version="(half-configured)"),
    }


def test_a_simulation_tells_new_packages_from_upgrades() -> None:
    """An upgrade names the former version in brackets; only what is new is brought by us."""
    text = "\n".join(
        [
            "Inst libc6 [2.36] (2.41 debian [arm64])",
            "Inst runc (1.1 debian [arm64])",
            "Inst libfoo:armhf (1.1 debian [armhf])",
            "Conf runc (1.1 debian [arm64])",
            "Remv old [1.0] ",
            "Purg older [1.0]",
        ]
    )
    assert parse_simulation(text) == (["runc", "libfoo"], ["old", "older"])


@given(VERSIONS, VERSIONS)
def test_a_pattern_allows_what_begins_with_it(found: str, wanted: str) -> None:
    """A planned change is empty exactly when the version begins with the pattern."""
    thing = Packages()
    for pattern, allowed in ((f"{wanted}*", found.startswith(wanted)), (wanted, found == wanted), ("", True)):
        desired = thing.parse({"a": {"version": pattern, "hold": False}})
        which, apt, rpm = thing.questions(desired)
        record = Answer(out=f"a\tinstall\tinstalled\t{found}")
        host = FakeHost(questions={which: Answer(out="apt-get"), apt: record, rpm: Answer(exit=127)})
        site = Site(host=host, journal=Journal(host), rack=FakeRack({}))
        assert (thing.plan(thing.observe(site, desired), desired) == []) is allowed


def test_an_absent_package_is_one_change() -> None:
    """That it is not held either is not said; a hold that is wanted is."""
    thing = Packages()
    absent = PackagesState(packages={"a": None})
    assert thing.plan(absent, thing.parse({"a": {"version": ""}})) == [Change(field="a", was=None, now="")]
    assert [one.field for one in thing.plan(absent, thing.parse({"a": {"hold": True}}))] == ["a", "a.hold"]


def test_only_what_is_no_longer_listed_is_removed() -> None:
    """A changed version or hold removes nothing."""
    thing = Packages()
    old = thing.parse({"a": {"version": "1*"}, "b": {}})
    gone = thing.minus(old, thing.parse({"a": {"version": "2*", "hold": True}}))
    assert gone is not None and set(gone.packages) == {"b"}
    assert thing.minus(old, old) is None
