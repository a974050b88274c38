"""Machines for all tests, and how many examples the properties get."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from tests.local_host import LocalHost, throwaway

FEW, MANY = 15, 100
"""Examples of a property in `make check`, and in the slow tests of `make test`."""


def pytest_configure(config: pytest.Config) -> None:
    """Settle the number of examples before a test module is imported; time never fails a property."""
    hypothesis.settings.register_profile("helicon", max_examples=_examples(config), deadline=None)
    hypothesis.settings.load_profile("helicon")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Count the properties among the slow tests as well, where they get many examples."""
    if _examples(config) == MANY:
        for item in items:
            if isinstance(item, pytest.Function) and hypothesis.is_hypothesis_test(item.obj):
                item.add_marker("slow")


@pytest.fixture
def local_host() -> Iterator[LocalHost]:
    """A throwaway machine of its own for each test."""
    with throwaway() as host:
        yield host


def _examples(config: pytest.Config) -> int:
    return MANY if config.option.markexpr == "slow" else FEW
