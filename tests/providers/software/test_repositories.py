"""Repositories: deb822 written and read back, apt's names of its lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.software.repositories import Repositories, Repository, lists_prefix, parse_source, source_text

REPOSITORIES = st.builds(
    Repository,
    uri=st.sampled_from(["https://pkgs.k8s.io/core:/stable:/v1.36/deb/", "file:/var/lib/helicon/debs"]),
    suite=st.sampled_from(["/", "./", "trixie"]),
    components=st.sampled_from(["", "main", "main contrib"]),
    key=st.sampled_from(["", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc"]),
    trusted=st.booleans(),
)


@given(REPOSITORIES)
def test_a_written_repository_is_read_back(one: Repository) -> None:
    """Nothing differs after it was written."""
    assert parse_source("name", source_text("name", one), one.key) == one


def test_more_in_the_file_is_named() -> None:
    """A line of someone else's shows as content."""
    one = Repository(uri="http://deb.example", suite="trixie", components="main")
    assert parse_source("name", source_text("name", one) + "Enabled: no\n", "").content == "(differs)"


def test_a_fetched_key_that_changed_is_shown() -> None:
    """The file remembers the sum of the key that was fetched."""
    one = Repository(uri="http://deb.example", suite="trixie", key="https://deb.example/key")
    text = source_text("name", one, "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683")
    assert parse_source("name", text, "key") == one
    assert parse_source("name", text, "another key").key == "another key"


@pytest.mark.parametrize(
    ("uri", "suite", "name"),
    [
        ("http://mirror.example.test/debian", "trixie", "mirror.example.test_debian_dists_trixie_"),
        ("https://pkgs.k8s.io/core:/stable:/v1.36/deb/", "/", "pkgs.k8s.io_core:_stable:_v1.36_deb_"),
        ("file:/var/lib/helicon/debs", "./", "_var_lib_helicon_debs_._"),
        ("http://a.example/my_path", "b~c", "a.example_my%5fpath_dists_b%7ec_"),
    ],
)
def test_lists_are_found_by_the_names_that_apt_gives_them(uri: str, suite: str, name: str) -> None:
    """As apt 2.6 and 3.0 named them on real machines."""
    assert lists_prefix(uri, suite) == f"/var/lib/apt/lists/{name}"


def test_an_absent_repository_is_one_change() -> None:
    """Not each of its parts is listed."""
    thing = Repositories()
    changes = thing.plan(thing.parse({"a": "(absent)"}), thing.parse({"a": {"uri": "u", "suite": "/"}}))
    assert [(change.field, change.was, change.now) for change in changes] == [("a", None, "u")]
